// tests of ProviumMachine
