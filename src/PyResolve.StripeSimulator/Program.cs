using PyResolve.StripeSimulator;
using PyResolve.StripeSimulator.Control;

return await StandaloneProgram.RunAsync(args);
