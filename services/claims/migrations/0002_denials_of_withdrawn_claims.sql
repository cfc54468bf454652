-- +goose Up
-- The denials of a claim that was taken back end with it. A closed claim with open denials is such a one.
DELETE FROM open_denials o USING claims c WHERE c.tenant_id = o.tenant_id AND c.claim_id = o.claim_id AND c.work = 'closed';
UPDATE claims SET denied_amount = 0, adjudication = CASE WHEN adjudication <> 'denied' THEN adjudication WHEN paid_amount > 0 THEN 'paid' ELSE 'nothing_paid' END
WHERE work = 'closed' AND denied_amount > 0;
