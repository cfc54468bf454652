-- +goose Up
-- The account of what earlier payers paid to another billing system before the move; and which segments a leg comes from.
COMMENT ON COLUMN finance_ledger.ledger_account IS 'ar_insurance, ar_patient, cash_clearing, bank, revenue_gross, contractual, writeoff_denial, writeoff_baddebt, charity, unapplied_insurance, unapplied_patient, credit_refundable, payer_forward, interest, conversion (paid to another billing system before the move: never in our bank; entries of before this account was there are in bank).';
COMMENT ON COLUMN finance_ledger.source_segment IS 'The X12 segment: CLP, SVC, CAS, PLB; of an imported charge SV1, of what an earlier payer decided before the move SVD or SBR.';
