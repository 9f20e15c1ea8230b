"""Operations: what an operator asks of a running system. Reconcile, rejected events, rebuild."""
