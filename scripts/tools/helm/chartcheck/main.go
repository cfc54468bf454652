// Chartcheck reads what we ship to operators as strictly as the programs that will read it, and prints it as JSON for the tests to look at.
//
//	chartcheck kube FILE…      Kubernetes manifests: every document decoded strictly into the API's own types (an unknown or doubled field is an error), and checked
//	                           against the API's OpenAPI document where client-go carries one, so that a missing field is an error too. A line for each file.
//	chartcheck compose FILE    a compose file, by the rules of the Compose specification.
//	chartcheck rules FILE      a file of Prometheus rules, each expression parsed; the metrics that each rule reads are printed with it.
//	chartcheck yaml FILE       any YAML document.
//
// All problems are printed, one a line, on standard error; the exit code is 1 if there are any. TestPlantedFaultsAreFound in services/tests/chart shows that they are found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) > 1 && args[0] == "kube" {
		return kubeFiles(args[1:], out)
	}
	if len(args) != 2 {
		return errors.New("chartcheck: want kube FILE…, compose FILE, rules FILE or yaml FILE")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return fmt.Errorf("chartcheck: %w", err)
	}
	var value any
	switch args[0] {
	case "compose":
		value, err = compose(context.Background(), args[1], text)
	case "rules":
		value, err = rules(text)
	case "yaml":
		err = yaml.UnmarshalStrict(text, &value)
	default:
		err = fmt.Errorf("there is no %q", args[0])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return print(out, value)
}

func print(out io.Writer, value any) error {
	if err := json.NewEncoder(out).Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
