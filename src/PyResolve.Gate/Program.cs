using PyResolve.Gate;
using PyResolve.Gate.Migrators;
using PyResolve.Migrators.Pydantic;

using var stop = new StopRequests();
if (args is [MigratorCommand.Builtin, var path])
{
    stop.ListenToSignals();
    return PydanticMigration.Run(path, Console.Out, Console.Error, stop.Token);
}

using var output = new GateOutput();
var request = GateRequest.Read(stop.ReadRequest());
stop.ListenToInput();
stop.ListenToSignals();
await GateRun.RunAsync(request, output, stop.Token);
return 0;
