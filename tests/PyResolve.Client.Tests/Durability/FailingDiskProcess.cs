using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Durability;

/// <summary>A tool without a network whose disk starts to fail, in its own process; it prints the errors.</summary>
internal static class FailingDiskProcess
{
    public const string Command = "on-a-failing-disk";

    public static async Task<int> MainAsync(string[] args)
    {
        var options = new PyResolveClientOptions
        {
            ApiUrl = new("http://localhost:1"), ApiKey = ScriptedServer.Key, Home = args[0], ShutdownTimeout = TimeSpan.Zero,
        };
        await using var client = OfflineClient.Create(options, TimeProvider.System);
        client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
        await SayAsync("before", () => client.Usage.FlushAsync());
        FailingDisk.Begin();

        await SayAsync("flush", () => client.Usage.FlushAsync());
        await SayAsync("cancelled", () => client.Usage.FlushAsync(new(canceled: true)));
        await using var permit = await client.Quota.AcquireAsync(new("pydantic"));
        await SayAsync("permit", () => permit.CompleteAsync(new()));
        await SayAsync("permit again", () => permit.CompleteAsync(new()));
        Console.WriteLine($"waiting: {client.Usage.Pending}");
        return 0;
    }

    private static async Task SayAsync(string what, Func<Task> act)
    {
        try
        {
            await act();
            Console.WriteLine($"{what}: kept");
        }
        catch (PyResolveException exception)
        {
            Console.WriteLine($"{what}: {exception.Code}");
        }
        catch (OperationCanceledException exception)
        {
            var isSaid = exception.Message.Contains("not safe from a power cut", StringComparison.Ordinal);
            Console.WriteLine($"{what}: {(isSaid ? "said" : "not said")}");
        }
    }
}
