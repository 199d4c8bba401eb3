using System.Runtime.InteropServices;
using System.Text;
using PyResolve.Client;
using Tour;

if (args is not ([] or ["--keep"]))
{
    Console.Error.WriteLine("""
        A tour: a real server that sells a product of its own, a real command line, a real upgrade, in a temporary folder.

        Usage: dotnet run --project samples/Tour [-- --keep]

          --keep  keeps the server running at the end, until Ctrl+C
        """);
    return args is ["--help" or "-h"] ? 0 : 2;
}

const int Interrupted = 130;
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var stop = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var onHangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

Workspace.ClearSettings();
using var workspace = Workspace.TryCreate();
if (workspace is null)
    return 1;
await using var server = ServerProcess.Start(workspace.Data);
var narrator = new Narrator();
var story = new Story(narrator, workspace, server);
try
{
    Console.WriteLine(
        $"{Catalogue.Product}, sold by PyResolve, from sign-up to a metered upgrade and a paid plan. All of it in a temporary folder.");
    await story.RunAsync(stop.Token);
    Console.WriteLine();
    Console.WriteLine(
        "That was the tour: six upgrades run and counted, one that changed nothing and cost nothing, one refused until a plan was bought.");
    if (args is ["--keep"])
        await KeepAsync();
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("Interrupted.");
    return Interrupted;
}
catch (Exception e) when (e is TourException or PyResolveException or IOException)
{
    Console.Error.WriteLine();
    Console.Error.WriteLine($"✗ The tour failed in step {narrator.Title}: {e.Message}");
    Console.Error.WriteLine("  The server's last lines:");
    foreach (var line in server.Log)
        Console.Error.WriteLine($"  | {line}");
    return 1;
}

async Task KeepAsync()
{
    Console.WriteLine();
    Console.WriteLine($"The server stays up at {server.Address.OriginalString} until Ctrl+C. To talk to it:");
    Console.WriteLine($"  curl -H 'X-API-Key: {story.ApiKey}' {server.Address.OriginalString.TrimEnd('/')}/quota");
    Console.WriteLine($"The Stripe simulator is at {story.StripeAddress}: its buttons let time pass and payments fail.");
    try
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine("Stopping, and deleting the temporary folder.");
    }
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
