using PyResolve.StripeSimulator;

return await StandaloneProgram.RunAsync(args);
