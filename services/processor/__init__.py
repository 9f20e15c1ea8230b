"""The processor: validates inbound topics, writes events to the ledger and stores refusals."""
