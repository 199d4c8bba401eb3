using System.Diagnostics.CodeAnalysis;
using System.Runtime.Loader;
using RunningSimulator =
    (System.Uri Address, string SecretKey, System.Action<System.Uri, string, string> AddWebhookEndpoint, System.IAsyncDisposable Host);

namespace PyResolve.Server.Billing.Simulated;

/// <summary>
/// Loads the simulator. The build puts it into the folder <c>simulator</c> beside the server, and <c>dotnet publish</c> leaves it out.
/// </summary>
internal static class SimulatorAssembly
{
    private const string NeverTrimmed = "Only the output of a build, which is not trimmed, has a simulator.";

    private static readonly string Location = Path.Combine(AppContext.BaseDirectory, "simulator", "PyResolve.StripeSimulator.dll");

    public static bool Exists => File.Exists(Location);

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = NeverTrimmed)]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = NeverTrimmed)]
    public static Task<RunningSimulator> StartAsync(string environment, CancellationToken cancellationToken)
    {
        var type = AssemblyLoadContext.Default.LoadFromAssemblyPath(Location).GetType("PyResolve.StripeSimulator.EmbeddedSimulator")!;
        var start = type.GetMethod("StartAsync")!.CreateDelegate<Func<string, CancellationToken, Task<RunningSimulator>>>();
        return start(environment, cancellationToken);
    }
}
