"""The processor: inbound topics validated, events written to the ledger, refusals kept."""
