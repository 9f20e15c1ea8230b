"""The pages that people see: suppliers, buyers, the programme. Rendered here, without a script."""
