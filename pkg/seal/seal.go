// Package seal keeps what names a person unreadable without that person's key.
//
// Fields marked (evenkeel.type.v1.phi) in the .proto files are taken out of a message and encrypted under the key of its subject: the message's subject_id field
// if it has one, else its patient_id. The rest stays clear, so that relays, projections and operators never need a key. The Vault holds one key per tenant and subject;
// destroying it makes the subject unreadable everywhere while the books stay whole. AES-256-GCM by Tink; the associated data names tenant, subject and
// event, so a ciphertext moved elsewhere is refused (TestMovedCiphertextIsRefused).
package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// ErrShredded: the subject's key was destroyed.
var ErrShredded = errors.New("the key was destroyed")

// ErrNoKey: the subject never had a key.
var ErrNoKey = errors.New("there is no such key")

// UnfitError: the message can't be sealed or opened as it is, whenever it is tried. All other errors are faults of the vault, and pass.
type UnfitError struct{ Err error }

func (e *UnfitError) Error() string { return e.Err.Error() }
func (e *UnfitError) Unwrap() error { return e.Err }

func unfit(format string, args ...any) error { return &UnfitError{fmt.Errorf(format, args...)} }

// Vault keeps one 32-byte key per tenant and subject. Implementations: PG here, a KMS in production.
type Vault interface {
	// Key is the subject's key. With create, one is made when there is none. Errors: ErrShredded, ErrNoKey.
	Key(ctx context.Context, tenant uuid.UUID, subject string, create bool) ([]byte, error)
	// Shred destroys the subject's key for good.
	Shred(ctx context.Context, tenant uuid.UUID, subject string) error
}

// Codec seals and opens messages. It is safe for many goroutines.
type Codec struct {
	vault Vault
	shape sync.Map // protoreflect.FullName → *shape
}

// NewCodec works with the keys of a vault.
func NewCodec(v Vault) *Codec { return &Codec{vault: v} }

// Sealed is a message in two parts.
type Sealed struct {
	Clear   []byte
	Sealed  []byte // nil: nothing in it is PHI
	Subject string
}

// Seal takes the PHI out of a message. eventID is unique to it. Errors: *UnfitError, also where the subject's key was destroyed (ErrShredded); others are faults of the vault.
func (c *Codec) Seal(ctx context.Context, tenant uuid.UUID, eventID string, m proto.Message) (Sealed, error) {
	marshal := proto.MarshalOptions{Deterministic: true}
	s, err := c.shapeOf(m.ProtoReflect().Descriptor())
	if err != nil {
		return Sealed{}, &UnfitError{err}
	}
	if !s.phi {
		return onlyClear(m)
	}
	public := proto.Clone(m)
	secret := m.ProtoReflect().New().Interface()
	if !split(public.ProtoReflect(), secret.ProtoReflect(), s) {
		return onlyClear(public)
	}
	subject := m.ProtoReflect().Get(s.subject).String()
	if subject == "" {
		return Sealed{}, unfit("seal %s: %s is empty: nobody's key would seal its PHI", m.ProtoReflect().Descriptor().FullName(), s.subject.Name())
	}
	key, err := c.vault.Key(ctx, tenant, subject, true)
	if errors.Is(err, ErrShredded) {
		return Sealed{}, unfit("seal %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	if err != nil {
		return Sealed{}, fmt.Errorf("seal %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	clear, err := marshal.Marshal(public)
	if err != nil {
		return Sealed{}, unfit("seal: %w", err)
	}
	plain, err := marshal.Marshal(secret)
	if err != nil {
		return Sealed{}, unfit("seal: %w", err)
	}
	gcm, err := subtle.NewAESGCM(key)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal: %w", err)
	}
	box, err := gcm.Encrypt(plain, associated(tenant, subject, eventID))
	if err != nil {
		return Sealed{}, fmt.Errorf("seal: %w", err)
	}
	return Sealed{Clear: clear, Sealed: box, Subject: subject}, nil
}

func onlyClear(m proto.Message) (Sealed, error) {
	clear, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return Sealed{}, unfit("seal: %w", err)
	}
	return Sealed{Clear: clear}, nil
}

// Open puts a message together again. Errors: *UnknownTypeError, *UnfitError (also ErrNoKey); others are faults of the vault. Where the subject's key was destroyed it returns the clear part and shredded = true.
func (c *Codec) Open(ctx context.Context, tenant uuid.UUID, eventID, typ string, s Sealed) (m proto.Message, shredded bool, err error) {
	m, err = Clear(typ, s.Clear)
	if err != nil || len(s.Sealed) == 0 {
		return m, false, err
	}
	key, err := c.vault.Key(ctx, tenant, s.Subject, false)
	if errors.Is(err, ErrShredded) {
		return m, true, nil
	}
	if errors.Is(err, ErrNoKey) {
		return nil, false, unfit("open %s %s: %w", typ, eventID, err)
	}
	if err != nil {
		return nil, false, fmt.Errorf("open %s %s: %w", typ, eventID, err)
	}
	gcm, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, false, fmt.Errorf("open: %w", err)
	}
	plain, err := gcm.Decrypt(s.Sealed, associated(tenant, s.Subject, eventID))
	if err != nil {
		return nil, false, unfit("open %s %s: the ciphertext is not this event's: %w", typ, eventID, err)
	}
	secret := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(plain, secret); err != nil {
		return nil, false, unfit("open %s %s: %w", typ, eventID, err)
	}
	proto.Merge(m, secret)
	return m, false, nil
}

// Clear decodes the clear part alone.
func Clear(typ string, clear []byte) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(typ))
	if err != nil {
		return nil, &UnknownTypeError{typ}
	}
	m := t.New().Interface()
	if err := proto.Unmarshal(clear, m); err != nil {
		return nil, unfit("decode %s: %w", typ, err)
	}
	return m, nil
}

// UnknownTypeError: this binary does not know the event's type; a newer one does. The event is to be parked, not dropped.
type UnknownTypeError struct{ Type string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event type %s is not known to this version", e.Type)
}

func associated(tenant uuid.UUID, subject, eventID string) []byte {
	return []byte(tenant.String() + "|" + subject + "|" + eventID)
}

// shape is what is known of a message type: which fields are PHI and which hold messages with PHI in them.
type shape struct {
	phi     bool
	subject protoreflect.FieldDescriptor
	fields  []protoreflect.FieldDescriptor // marked
	nested  map[protoreflect.FieldDescriptor]*shape
}

// Marked says whether a field is marked as PHI.
func Marked(f protoreflect.FieldDescriptor) bool {
	o, ok := f.Options().(*descriptorpb.FieldOptions)
	return ok && proto.GetExtension(o, typev1.E_Phi).(bool)
}

func (c *Codec) shapeOf(d protoreflect.MessageDescriptor) (*shape, error) {
	if s, ok := c.shape.Load(d.FullName()); ok {
		return s.(*shape), nil
	}
	s, err := measure(d, nil)
	if err != nil {
		return nil, err
	}
	if s.phi {
		if s.subject = d.Fields().ByName("subject_id"); s.subject == nil {
			s.subject = d.Fields().ByName("patient_id")
		}
		if s.subject == nil {
			return nil, fmt.Errorf("seal: %s has PHI and neither subject_id nor patient_id", d.FullName())
		}
	}
	c.shape.Store(d.FullName(), s)
	return s, nil
}

func measure(d protoreflect.MessageDescriptor, above []protoreflect.FullName) (*shape, error) {
	s := &shape{nested: map[protoreflect.FieldDescriptor]*shape{}}
	for _, name := range above {
		if name == d.FullName() {
			return s, nil
		}
	}
	above = append(above, d.FullName())
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if Marked(f) {
			s.phi, s.fields = true, append(s.fields, f)
			continue
		}
		if f.Message() == nil || f.IsMap() {
			continue
		}
		inner, err := measure(f.Message(), above)
		if err != nil {
			return nil, err
		}
		if !inner.phi {
			continue
		}
		if f.IsList() {
			return nil, fmt.Errorf("seal: %s is a list of messages with PHI: mark the whole field", f.FullName())
		}
		s.phi, s.nested[f] = true, inner
	}
	return s, nil
}

// split moves the PHI from public to secret and says whether there was any.
func split(public, secret protoreflect.Message, s *shape) bool {
	any := false
	for _, f := range s.fields {
		if public.Has(f) {
			secret.Set(f, public.Get(f))
			public.Clear(f)
			any = true
		}
	}
	for f, inner := range s.nested {
		if !public.Has(f) {
			continue
		}
		part := secret.NewField(f)
		if split(public.Mutable(f).Message(), part.Message(), inner) {
			secret.Set(f, part)
			any = true
		}
	}
	return any
}

// Redact is the message without its PHI, for whoever must not see it.
func (c *Codec) Redact(m proto.Message) (proto.Message, error) {
	s, err := c.shapeOf(m.ProtoReflect().Descriptor())
	if err != nil || !s.phi {
		return m, err
	}
	public := proto.Clone(m)
	split(public.ProtoReflect(), m.ProtoReflect().New(), s)
	return public, nil
}

// Memory is a Vault in memory, for tests and the simulation. Keys are derived from the seed, so that a run repeats.
type Memory struct {
	Seed string
	mu   sync.Mutex
	keys map[string][]byte // nil value: shredded
}

// Key is the subject's key.
func (m *Memory) Key(_ context.Context, tenant uuid.UUID, subject string, create bool) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := tenant.String() + "/" + subject
	key, ok := m.keys[name]
	switch {
	case ok && key == nil:
		return nil, ErrShredded
	case ok:
		return key, nil
	case !create:
		return nil, ErrNoKey
	}
	if m.keys == nil {
		m.keys = map[string][]byte{}
	}
	m.keys[name] = derive(m.Seed, name)
	return m.keys[name], nil
}

// Shred destroys the subject's key.
func (m *Memory) Shred(_ context.Context, tenant uuid.UUID, subject string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys = map[string][]byte{}
	}
	m.keys[tenant.String()+"/"+subject] = nil
	return nil
}
