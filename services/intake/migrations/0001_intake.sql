-- +goose Up
CREATE TABLE patients (
    tenant_id   uuid    NOT NULL,
    patient_id  text    NOT NULL,
    location_id text    NOT NULL,                                        -- home location
    number_hash bytea,                                                   -- of the medical record number; NULL: none
    person_hash bytea,                                                   -- of name and birth date; NULL: imported
    version     integer NOT NULL,
    PRIMARY KEY (tenant_id, patient_id)
);
-- ListPatients of one location.
CREATE INDEX patients_of_location ON patients (tenant_id, location_id, patient_id);
-- SearchPatients by number; two registrations of one number at once: the second fails.
CREATE UNIQUE INDEX patients_by_number ON patients (tenant_id, number_hash) WHERE number_hash IS NOT NULL;
-- SearchPatients by name and birth date.
CREATE INDEX patients_by_person ON patients (tenant_id, person_hash) WHERE person_hash IS NOT NULL;

-- Whose a coverage is.
CREATE TABLE coverages (
    tenant_id   uuid NOT NULL,
    coverage_id text NOT NULL,
    patient_id  text NOT NULL,
    PRIMARY KEY (tenant_id, coverage_id)
);

CREATE TABLE eligibility_checks (
    tenant_id            uuid    NOT NULL,
    eligibility_check_id text    NOT NULL,
    coverage_id          text    NOT NULL,
    payer_id             text    NOT NULL,                               -- who is asked
    service_date         date    NOT NULL,
    hop                  integer NOT NULL,
    status               integer NOT NULL,                               -- intake.v1.EligibilityCheckStatus
    coverage_status      integer NOT NULL,                               -- intake.v1.CoverageStatus
    PRIMARY KEY (tenant_id, eligibility_check_id)
);
-- ListEligibilityChecks: of one coverage, newest day first.
CREATE INDEX eligibility_checks_of_coverage ON eligibility_checks (tenant_id, coverage_id, service_date DESC, eligibility_check_id DESC);

CREATE TABLE appointments (
    tenant_id         uuid        NOT NULL,
    appointment_id    text        NOT NULL,
    patient_id        text        NOT NULL,
    clinician_id      text        NOT NULL,
    location_id       text        NOT NULL,
    service_date      date        NOT NULL,                              -- at the location
    start_at          timestamptz NOT NULL,
    end_at            timestamptz NOT NULL CHECK (end_at > start_at),
    service_code      text        NOT NULL,
    status            integer     NOT NULL,                              -- intake.v1.AppointmentStatus
    readiness         integer     NOT NULL,                              -- intake.v1.Readiness, as last told
    readiness_reasons jsonb       NOT NULL,                              -- problem.v1.Reason
    version           integer     NOT NULL,
    PRIMARY KEY (tenant_id, appointment_id)
);
-- ListAppointments by day; of one patient, clinician or location.
CREATE INDEX appointments_by_day ON appointments (tenant_id, service_date, appointment_id);
CREATE INDEX appointments_of_patient ON appointments (tenant_id, patient_id, service_date, appointment_id);
CREATE INDEX appointments_of_clinician ON appointments (tenant_id, clinician_id, service_date, appointment_id);
CREATE INDEX appointments_of_location ON appointments (tenant_id, location_id, service_date, appointment_id);
