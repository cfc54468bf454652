-- +goose Up
CREATE TABLE claims (
    tenant_id                     uuid    NOT NULL,
    claim_id                      text    NOT NULL,
    patient_control_number        text    NOT NULL,             -- CLM01
    encounter_id                  text    NOT NULL,
    account_id                    text    NOT NULL,
    patient_id                    text    NOT NULL,
    payer_id                      text    NOT NULL,
    payer_sequence                integer NOT NULL CHECK (payer_sequence > 0), -- 1 primary, 2 secondary, 3 tertiary
    location_id                   text    NOT NULL,
    service_date                  date    NOT NULL,
    charge_amount                 bigint  NOT NULL,             -- cents, of the current version
    paid_amount                   bigint  NOT NULL DEFAULT 0,   -- cents, by this payer; reversals count
    patient_responsibility_amount bigint  NOT NULL DEFAULT 0,   -- cents, of the last decision
    denied_amount                 bigint  NOT NULL DEFAULT 0 CHECK (denied_amount >= 0), -- cents, open denials
    transport                     text    NOT NULL DEFAULT 'not_sent' CHECK (transport IN ('not_sent', 'requested', 'submitted', 'acknowledged', 'accepted', 'rejected')),
    adjudication                  text    NOT NULL DEFAULT 'none' CHECK (adjudication IN ('none', 'paid', 'nothing_paid', 'denied', 'reversed')),
    work                          text    NOT NULL DEFAULT 'open' CHECK (work IN ('open', 'held', 'closed')),
    claim_version                 integer NOT NULL DEFAULT 1,
    frequency_code                integer NOT NULL,             -- 1 original, 7 replacement, 8 void
    payer_claim_control_number    text    NOT NULL DEFAULT '',
    submitted_date                date,                         -- of the current version
    timely_filing_due_date        date,                         -- no limit known: null
    imported                      boolean NOT NULL DEFAULT false,
    version                       integer NOT NULL,             -- of the stream
    -- The three axes in one word: what stops it first, then what the payer decided, then how far it has come.
    status                        text    NOT NULL GENERATED ALWAYS AS (CASE
        WHEN work = 'closed' THEN 'closed'
        WHEN work = 'held' AND transport = 'rejected' THEN 'rejected'
        WHEN work = 'held' THEN 'held'
        WHEN transport IN ('requested', 'not_sent') THEN 'ready'
        WHEN transport = 'rejected' THEN 'rejected'
        WHEN adjudication = 'denied' THEN 'denied'
        WHEN adjudication = 'reversed' THEN 'reversed'
        WHEN adjudication <> 'none' THEN 'adjudicated'
        WHEN transport = 'accepted' THEN 'accepted'
        ELSE 'submitted' END) STORED,
    PRIMARY KEY (tenant_id, claim_id),
    UNIQUE (tenant_id, patient_control_number)                 -- ListClaims by number; two claims never share one
);
-- ListClaims: newest service date first.
CREATE INDEX claims_by_date ON claims (tenant_id, service_date DESC, claim_id DESC);
-- ListClaims of a payer, of a status.
CREATE INDEX claims_of_payer ON claims (tenant_id, payer_id, service_date DESC, claim_id DESC);
CREATE INDEX claims_by_status ON claims (tenant_id, status, service_date DESC, claim_id DESC);
-- ListClaims of a patient, of an encounter.
CREATE INDEX claims_of_patient ON claims (tenant_id, patient_id, service_date DESC, claim_id DESC);
CREATE INDEX claims_of_encounter ON claims (tenant_id, encounter_id);

-- The denials that are open. No denial is in it twice.
CREATE TABLE open_denials (
    tenant_id     uuid   NOT NULL,
    claim_id      text   NOT NULL,
    line_id       text   NOT NULL,                              -- empty: the claim as a whole
    group_code    text   NOT NULL,
    carc          text   NOT NULL,
    denied_amount bigint NOT NULL CHECK (denied_amount > 0),    -- cents
    remittance_id text   NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, line_id, group_code, carc)
);
