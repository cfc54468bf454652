// Openapi finishes the document that protoc-gen-openapiv3 and openapiv3-merge make: names as the gateway sends them, problem documents, headers, security.
//
//	openapi MERGED.json > services/gateway/openapi.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"
)

type object = map[string]any

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: openapi MERGED.json > openapi.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var doc object
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	rename(doc)
	finish(doc)
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	return out.Encode(doc)
}

// rename turns the names of properties and parameters into those of the .proto files, which the gateway uses.
func rename(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			rename(item)
		}
	case object:
		if properties, ok := v["properties"].(object); ok {
			for name, schema := range properties {
				delete(properties, name)
				properties[snake(name)] = schema
			}
		}
		if required, ok := v["required"].([]any); ok {
			for i, name := range required {
				required[i] = snake(name.(string))
			}
		}
		if in, ok := v["in"].(string); ok && in == "query" {
			name := v["name"].(string)
			parts := strings.Split(name, ".")
			for i := range parts {
				parts[i] = snake(parts[i])
			}
			v["name"] = strings.Join(parts, ".")
		}
		for _, item := range v {
			rename(item)
		}
	}
}

func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

func finish(doc object) {
	doc["info"] = object{
		"title": "Evenkeel", "version": "v1",
		"description": "The revenue cycle of behavioral-health groups. Amounts are {amount_minor, currency} in cents; 64-bit numbers are JSON strings; days are YYYY-MM-DD; instants are UTC. " +
			"Every POST carries an Idempotency-Key: the same key and body give the first answer again, for ever.",
	}
	doc["security"] = []any{object{"api_key": []any{}}}
	components := doc["components"].(object)
	components["securitySchemes"] = object{"api_key": object{"type": "http", "scheme": "bearer", "description": "An API key: ek_…"}}
	schemas := components["schemas"].(object)
	delete(schemas, "google.rpc.Status")
	delete(schemas, "google.protobuf.Any")
	schemas["Problem"] = object{
		"type": "object", "description": "RFC 9457. All reasons at once.", "required": []any{"type", "title", "status", "code", "detail"},
		"properties": object{
			"type": object{"type": "string"}, "title": object{"type": "string"}, "status": object{"type": "integer"}, "code": object{"type": "string", "description": "stable"},
			"detail": object{"type": "string"}, "instance": object{"type": "string", "description": "the request's id"},
			"errors": object{"type": "array", "items": object{"type": "object", "required": []any{"message"}, "properties": object{
				"pointer": object{"type": "string", "description": "JSON pointer into the body"}, "field": object{"type": "string"}, "rule_id": object{"type": "string"},
				"rule_version": object{"type": "integer"}, "message": object{"type": "string"}, "owner": object{"type": "string"},
			}}},
		},
	}
	problem := object{"description": "A problem document.", "content": object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}}}
	header := func(name, text string, required bool) object {
		return object{"name": name, "in": "header", "required": required, "description": text, "schema": object{"type": "string"}}
	}
	for path, item := range doc["paths"].(object) {
		for method, op := range item.(object) {
			o, ok := op.(object)
			if !ok {
				continue
			}
			parameters, _ := o["parameters"].([]any)
			parameters = append(parameters, header("X-Request-Id", "Echoed; a UUID becomes the correlation id.", false),
				header("X-Consistency-Token", "Of an earlier receipt: the answer reflects that write.", false))
			responses := o["responses"].(object)
			delete(responses, "default")
			for _, status := range []string{"400", "401", "403", "404", "429", "500", "503"} {
				responses[status] = problem
			}
			if method == "post" && !strings.HasSuffix(path, ":search") {
				parameters = append(parameters, header("Idempotency-Key", "New for each new request, the same when it is repeated.", true),
					header("If-Match", "The version that was read, in double quotes; another one is 412.", false),
					header("X-Dry-Run", "true: says what would be recorded, and records nothing.", false))
				responses["412"], responses["413"], responses["415"], responses["422"] = problem, problem, problem, problem
				if !strings.Contains(path, "{") && !strings.Contains(path, ":") {
					responses["201"] = responses["200"]
				}
			}
			o["parameters"] = parameters
		}
	}
}
