using PyResolve.IdeHost;

// Standard output belongs to the protocol: nothing else may be written there.
await HostConnection.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput());
