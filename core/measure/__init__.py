"""Short measurements that are no runs: times, rates, gradients, predictions."""
