using PyResolve.Server;
using PyResolve.Server.Billing.Simulated;
using PyResolve.Server.Hosting;

return await CommandLine.RunAsync(args, ServeAsync);

static async Task ServeAsync(string[] settings)
{
    var builder = ServerApp.CreateBuilder(settings);
    await using var simulatedStripe = await builder.AddSimulatedStripeAsync();
    builder.AddPyResolve();
    await using var app = builder.Build();
    app.UsePyResolve();
    app.MapPyResolve();
    await app.ListenAsync();
    await app.WaitForShutdownAsync();
}
