package gateway

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// api is what REST serves of one service.
type api struct {
	file     protoreflect.FileDescriptor
	register func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error
}

// services are the APIs that REST serves, by the service that answers.
var services = map[string]api{
	"registry": {registryv1.File_evenkeel_registry_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return registryv1.RegisterRegistryServiceHandlerClient(ctx, m, registryv1.NewRegistryServiceClient(c))
	}},
	"intake": {intakev1.File_evenkeel_intake_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return intakev1.RegisterIntakeServiceHandlerClient(ctx, m, intakev1.NewIntakeServiceClient(c))
	}},
	"authorization": {authorizationv1.File_evenkeel_authorization_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return authorizationv1.RegisterAuthorizationServiceHandlerClient(ctx, m, authorizationv1.NewAuthorizationServiceClient(c))
	}},
	"coding": {codingv1.File_evenkeel_coding_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return codingv1.RegisterCodingServiceHandlerClient(ctx, m, codingv1.NewCodingServiceClient(c))
	}},
	"claims": {claimsv1.File_evenkeel_claims_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return claimsv1.RegisterClaimsServiceHandlerClient(ctx, m, claimsv1.NewClaimsServiceClient(c))
	}},
	"posting": {postingv1.File_evenkeel_posting_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return postingv1.RegisterPostingServiceHandlerClient(ctx, m, postingv1.NewPostingServiceClient(c))
	}},
	"collections": {collectionsv1.File_evenkeel_collections_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return collectionsv1.RegisterCollectionsServiceHandlerClient(ctx, m, collectionsv1.NewCollectionsServiceClient(c))
	}},
	"exchange": {exchangev1.File_evenkeel_exchange_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return exchangev1.RegisterExchangeServiceHandlerClient(ctx, m, exchangev1.NewExchangeServiceClient(c))
	}},
	"reporting": {reportingv1.File_evenkeel_reporting_v1_service_proto, func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return reportingv1.RegisterReportingServiceHandlerClient(ctx, m, reportingv1.NewReportingServiceClient(c))
	}},
}

// route is one call, as its .proto file says it.
type route struct {
	service, method, pattern string // claims, POST, /v1/claims/{claim_id}:rescrub
	rpc                      protoreflect.MethodDescriptor
	query                    []string // what may stand behind the question mark
	takes                    []string // what may stand in the body
	created                  string   // of a call that makes something new which can be read by its id: the path before that id
	creates                  bool
}

// routes are all calls that REST serves, by method and pattern.
var routes = describe()

func describe() map[string]route {
	out := map[string]route{}
	for name, a := range services {
		for i := range a.file.Services().Len() {
			methods := a.file.Services().Get(i).Methods()
			for j := range methods.Len() {
				rpc := methods.Get(j)
				rule, _ := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
				r := route{service: name, rpc: rpc}
				switch p := rule.GetPattern().(type) {
				case *annotations.HttpRule_Get:
					r.method, r.pattern = http.MethodGet, p.Get
					r.query = fieldsOf(rpc.Input(), p.Get)
				case *annotations.HttpRule_Post:
					r.method, r.pattern = http.MethodPost, p.Post
					r.takes = fieldsOf(rpc.Input(), p.Post)
				default:
					panic(fmt.Sprintf("%s is neither a GET nor a POST", rpc.FullName())) // commands are POST, reads GET
				}
				out[r.method+" "+r.pattern] = r
			}
		}
	}
	for k, r := range out {
		last := r.pattern[strings.LastIndex(r.pattern, "/")+1:]
		if r.method != http.MethodPost || strings.Contains(last, ":") {
			continue
		}
		for _, other := range out {
			if id, ok := strings.CutPrefix(other.pattern, "/v1/"+last+"/{"); ok && other.method == http.MethodGet && strings.IndexByte(id, '}') == len(id)-1 {
				r.created = "/v1/" + last + "/"
			}
		}
		r.creates = r.created != "" || !strings.Contains(r.pattern, "{")
		out[k] = r
	}
	return out
}

// fieldsOf are the fields of a request that are not in its path and that the platform does not write itself.
func fieldsOf(m protoreflect.MessageDescriptor, pattern string) []string {
	var out []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if name := string(f.Name()); !strings.Contains(pattern, "{"+name+"}") && syntax.Fill(f) == typev1.Fill_FILL_UNSPECIFIED {
			out = append(out, name)
		}
	}
	return out
}

// methodsOf are the methods that a path takes.
func methodsOf(path string) []string {
	have := map[string]bool{}
	for _, r := range routes {
		if matches(r.pattern, path) {
			have[r.method] = true
		}
	}
	return slices.Sorted(maps.Keys(have))
}

// matches says whether a path has the form of a pattern.
func matches(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i, w := range want {
		if !strings.HasPrefix(w, "{") {
			if w != have[i] {
				return false
			}
			continue
		}
		_, verb, _ := strings.Cut(w, ":")
		_, got, _ := strings.Cut(have[i], ":")
		if verb != got {
			return false
		}
	}
	return true
}
