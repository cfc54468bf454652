-- +goose Up
-- What each item said from a day on until the day before another: ListWorkItems as of a day.
CREATE TABLE work_item_days (LIKE work_items INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE work_item_days
    ADD COLUMN from_day date NOT NULL,
    ADD COLUMN thru_day date NOT NULL, -- not in it; infinity: until now
    ADD PRIMARY KEY (tenant_id, work_item_id, from_day);
-- ListWorkItems as of a day: those that were open on it.
CREATE INDEX work_item_days_open ON work_item_days (tenant_id, thru_day, from_day) WHERE state = 'open';

-- +goose StatementBegin
-- Keeps what an item says after something happened to it on a day.
CREATE FUNCTION keep_work_item(of_tenant uuid, of_item text, on_day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM work_item_days WHERE tenant_id = of_tenant AND work_item_id = of_item AND from_day >= on_day;
    UPDATE work_item_days SET thru_day = on_day WHERE tenant_id = of_tenant AND work_item_id = of_item AND thru_day > on_day;
    INSERT INTO work_item_days (tenant_id, work_item_id, kind, subject, title, detail, owner, assignee, state, opened_date, due_date, at_risk_amount, default_action, outcome, note, automatic, patient_id, claim_id,
        account_id, encounter_id, appointment_id, remittance_id, deposit_id, interchange_id, payer_id, authorization_id, version, from_day, thru_day)
    SELECT tenant_id, work_item_id, kind, subject, title, detail, owner, assignee, state, opened_date, due_date, at_risk_amount, default_action, outcome, note, automatic, patient_id, claim_id,
        account_id, encounter_id, appointment_id, remittance_id, deposit_id, interchange_id, payer_id, authorization_id, version, on_day, 'infinity'
    FROM work_items WHERE tenant_id = of_tenant AND work_item_id = of_item;
END $$;
-- +goose StatementEnd

-- Items of before: open from the day on which they were opened last until they were resolved, with what they say now.
CREATE TEMPORARY TABLE resolved ON COMMIT DROP AS
    SELECT tenant AS tenant_id, split_part(stream, '/', 2) AS work_item_id, max(occurred_on) AS on_day FROM event WHERE type LIKE '%.WorkItemResolved' GROUP BY 1, 2;
INSERT INTO work_item_days SELECT w.*, w.opened_date, 'infinity' FROM work_items w;
UPDATE work_item_days w SET state = 'open', outcome = '', note = '', automatic = false, thru_day = r.on_day
    FROM resolved r WHERE w.state = 'resolved' AND r.tenant_id = w.tenant_id AND r.work_item_id = w.work_item_id AND r.on_day > w.opened_date;
INSERT INTO work_item_days SELECT w.*, d.thru_day, 'infinity' FROM work_items w JOIN work_item_days d USING (tenant_id, work_item_id) WHERE d.thru_day < 'infinity';
