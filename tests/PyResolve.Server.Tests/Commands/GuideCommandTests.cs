using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Commands;

/// <summary>The commands and requests of the pages for operators, as they are written there but for names.</summary>
public sealed class GuideCommandTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task Every_command_of_the_server_runs_as_it_is_documented(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        string[] commands =
        [
            .. from page in (string[])["accounts.md", "hosting.md", "statistics.md", "operators.md"]
               from line in Guide.Lines(page, "dotnet PyResolve.Server.dll ")
               select line.Split('#')[0].Trim(),
        ];
        commands.Length.ShouldBeGreaterThan(12);
        var settings = new Dictionary<string, string?>(own.Store.Settings) { ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com" };
        for (var i = 0; i < commands.Length; i++)
        {
            // Each has an account of its own: to create ada@example.com there must be none, and to delete it there must be one.
            var email = $"ada{i}@example.com";
            var isNew = commands[i].Contains("accounts create") || commands[i].Contains("accounts invite");
            var account = isNew ? null : await own.SignUpAsync(email);
            var command = commands[i].Replace("ada@example.com", email).Replace("new@example.com", $"new{i}@example.com");
            if (account is not null)
                command = command.Replace("pyr_live_0123456789a", account.ApiKey[..20]);

            var result = await ServerProcess.RunAsync(command.Split(' ')[2..], settings, Cancellation);

            (result.ExitCode, result.Error).ShouldBe((0, ""), command);
        }
    }

    [Theory, OnBothEngines]
    public async Task The_requests_of_the_pages_are_answered_as_they_are_documented(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var address = own.Server.Address.AbsoluteUri.TrimEnd('/');
        var account = await own.SignUpAsync();
        var environment = new Dictionary<string, string?> { ["API"] = address, ["KEY"] = account.ApiKey };

        var signUp = await RunAsync(Guide.Block("accounts.md", "sh", "$API/auth/signup"), environment);
        var usage = await RunAsync(Guide.Block("usage.md", "sh", "$API/usage"), environment);
        var device = await RunAsync(
            string.Join('\n', Guide.Lines("device-login.md", "curl -s https://billing.example.com/auth/device/code", following: 1))
                .Replace("https://billing.example.com", address),
            environment);

        (signUp.Split("session_token").Length, signUp.Split("api_key").Length).ShouldBe((3, 2), signUp);
        usage.ShouldContain("""{"status":"recorded"}""");
        device.ShouldContain("\"device_code\":\"pyr_dev_");
    }

    private static async Task<string> RunAsync(string commands, Dictionary<string, string?> environment) =>
        (await Command.RunAsync("/bin/sh", ["-euc", commands], environment, cancellationToken: Cancellation)).OrThrow(commands).Output;
}
