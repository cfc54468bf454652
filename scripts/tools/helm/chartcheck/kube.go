package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/openapi/openapitest"
	"sigs.k8s.io/yaml"
)

// manifests is what a file holds, and what is wrong with it.
type manifests struct {
	File     string            `json:"file"`
	Docs     []json.RawMessage `json:"docs"`
	Problems []string          `json:"problems"`
}

// kubeFiles prints what is in each file. The types and schemas are read once for all of them.
func kubeFiles(files []string, out io.Writer) error {
	if err := monitoring.AddToScheme(scheme.Scheme); err != nil {
		return fmt.Errorf("know the monitoring types: %w", err)
	}
	schemas := newSchemas()
	bad := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("chartcheck: %w", err)
		}
		docs, problems := kube(text, schemas)
		m := manifests{File: path, Docs: docs, Problems: []string{}}
		for _, p := range problems {
			m.Problems = append(m.Problems, p.Error())
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, p)
		}
		bad += len(problems)
		if err := print(out, m); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d problems", bad)
	}
	return nil
}

// kube decodes every document and returns them all, also those with problems.
func kube(text []byte, schemas *schemas) (docs []json.RawMessage, problems []error) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	reader := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	docs = []json.RawMessage{}
	seen := map[string]bool{}
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs, problems
		}
		if err != nil {
			return docs, append(problems, fmt.Errorf("read manifests: %w", err))
		}
		asJSON, err := yaml.YAMLToJSONStrict(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("not YAML: %w", err))
			continue
		}
		if bytes.Equal(asJSON, []byte("null")) { // only comments
			continue
		}
		docs = append(docs, asJSON)
		var head struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if err := json.Unmarshal(asJSON, &head); err != nil {
			problems = append(problems, fmt.Errorf("not a manifest: %w", err))
			continue
		}
		name := head.Kind + " " + head.Metadata.Name
		if seen[name] {
			problems = append(problems, fmt.Errorf("%s: there are two", name))
		}
		seen[name] = true
		_, kind, err := strict.Decode(text, nil, nil)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if err := schemas.check(*kind, asJSON); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
}

// schemas are the OpenAPI documents that client-go carries, by group and version. They are older than the types, so they say what is required and not what is unknown.
type schemas struct {
	compiler *jsonschema.Compiler
	kinds    map[schema.GroupVersionKind]string // where the schema of a kind is
	err      error
}

func newSchemas() *schemas {
	s := &schemas{compiler: jsonschema.NewCompiler(), kinds: map[schema.GroupVersionKind]string{}}
	paths, err := openapitest.NewEmbeddedFileClient().Paths()
	if err != nil {
		s.err = err
		return s
	}
	for path, version := range paths {
		text, err := version.Schema("application/json")
		if err == nil {
			err = s.add("file:///"+path, text)
		}
		s.err = errors.Join(s.err, err)
	}
	return s
}

func (s *schemas) add(url string, text []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("read the schema %s: %w", url, err)
	}
	if err := s.compiler.AddResource(url, document); err != nil {
		return fmt.Errorf("add the schema %s: %w", url, err)
	}
	var index struct {
		Components struct {
			Schemas map[string]struct {
				Kinds []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
			}
		}
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return fmt.Errorf("read the schema %s: %w", url, err)
	}
	for name, def := range index.Components.Schemas {
		if len(def.Kinds) == 1 {
			k := def.Kinds[0]
			s.kinds[schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}] = url + "#/components/schemas/" + name
		}
	}
	return nil
}

func (s *schemas) check(kind schema.GroupVersionKind, doc []byte) error {
	if s.err != nil {
		return s.err
	}
	where, ok := s.kinds[kind]
	if !ok {
		return nil
	}
	compiled, err := s.compiler.Compile(where)
	if err != nil {
		return fmt.Errorf("compile its schema: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	if err := compiled.Validate(value); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return nil
}
