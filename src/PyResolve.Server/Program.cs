using PyResolve.Server;
using PyResolve.Server.Admin;

return await OperatorCommands.RunAsync(args);
