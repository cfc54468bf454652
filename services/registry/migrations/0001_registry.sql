-- +goose Up
CREATE TABLE organizations (
    tenant_id       uuid    NOT NULL,
    organization_id text    NOT NULL,
    name            text    NOT NULL,
    npi             text    NOT NULL,
    tax_id          text    NOT NULL,                                    -- empty: not known (imported)
    taxonomy        text    NOT NULL,
    line1           text    NOT NULL,
    line2           text    NOT NULL,
    city            text    NOT NULL,
    state           text    NOT NULL,
    postal_code     text    NOT NULL,
    phone           text    NOT NULL,
    version         integer NOT NULL,
    PRIMARY KEY (tenant_id, organization_id)
);

CREATE TABLE locations (
    tenant_id        uuid    NOT NULL,
    location_id      text    NOT NULL,
    organization_id  text    NOT NULL,
    name             text    NOT NULL,
    npi              text    NOT NULL,                                   -- empty: the organization's
    place_of_service text    NOT NULL,                                   -- of visits in person
    line1            text    NOT NULL,
    line2            text    NOT NULL,
    city             text    NOT NULL,
    state            text    NOT NULL,
    postal_code      text    NOT NULL,
    time_zone        text    NOT NULL,                                   -- IANA; empty: not known (imported)
    version          integer NOT NULL,
    PRIMARY KEY (tenant_id, location_id)
);
-- ListLocations of one organization.
CREATE INDEX locations_of_organization ON locations (tenant_id, organization_id, location_id);

CREATE TABLE clinicians (
    tenant_id      uuid    NOT NULL,
    clinician_id   text    NOT NULL,
    last_name      text    NOT NULL,
    first_name     text    NOT NULL,
    middle_name    text    NOT NULL,
    name_suffix    text    NOT NULL,
    npi            text    NOT NULL,
    taxonomy       text    NOT NULL,
    license_type   integer NOT NULL,                                     -- type.v1.LicenseType
    license_number text    NOT NULL,
    license_state  text    NOT NULL,
    location_ids   text[]  NOT NULL,
    from_date      date,                                                 -- NULL: not known (imported)
    version        integer NOT NULL,
    PRIMARY KEY (tenant_id, clinician_id)
);
-- ListClinicians of one location.
CREATE INDEX clinicians_at_location ON clinicians USING gin (location_ids);

CREATE TABLE payers (
    tenant_id           uuid    NOT NULL,
    payer_id            text    NOT NULL,
    name                text    NOT NULL,
    edi_payer_id        text    NOT NULL,
    filing_indicator    text    NOT NULL,
    receiver_id         text    NOT NULL,
    behavioral_payer_id text    NOT NULL,                                -- empty: behavioral services are its own
    version             integer NOT NULL,
    PRIMARY KEY (tenant_id, payer_id)
);
-- ListPayers with an EDI payer id.
CREATE INDEX payers_by_edi ON payers (tenant_id, edi_payer_id, payer_id);

CREATE TABLE contracts (
    tenant_id   uuid    NOT NULL,
    contract_id text    NOT NULL,
    payer_id    text    NOT NULL,
    from_date   date    NOT NULL,
    thru_date   date CHECK (thru_date >= from_date),                     -- included; NULL: open
    version     integer NOT NULL,
    PRIMARY KEY (tenant_id, contract_id)
);
-- ListContracts of one payer.
CREATE INDEX contracts_of_payer ON contracts (tenant_id, payer_id, contract_id);
