"""Operations on a running system: reconciliation, rejected events, rebuild, backtest."""
