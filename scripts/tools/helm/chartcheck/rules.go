package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// rule is one alert or recording with the metrics that it reads.
type rule struct {
	Name        string            `json:"name"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Metrics     []string          `json:"metrics"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func rules(text []byte) ([]rule, error) {
	p := parser.NewParser(parser.Options{})
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var out []rule
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			read, err := metrics(p, r.Expr)
			if err != nil {
				return nil, fmt.Errorf("%s%s: %w", r.Alert, r.Record, err)
			}
			out = append(out, rule{Name: r.Alert + r.Record, Expr: r.Expr, For: r.For.String(), Metrics: read, Labels: r.Labels, Annotations: r.Annotations})
		}
	}
	return out, nil
}

// metrics that an expression reads.
func metrics(p parser.Parser, expr string) ([]string, error) {
	parsed, err := p.ParseExpr(expr)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			name := s.Name
			for _, m := range s.LabelMatchers {
				if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
					name = m.Value
				}
			}
			names[name] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(names)), nil
}
