using System.Diagnostics;
using System.Globalization;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace Tour;

/// <summary>The steps of the tour. After each one it compares the output with the server's numbers.</summary>
internal sealed class Story(Narrator narrator, Workspace workspace, ServerProcess server)
{
    private const string Email = "ada@example.com";
    private const string FirstService = "users";
    private const string RefusedService = "notifications";
    private static readonly string[] OtherServices = ["orders", "catalog", "payments", "shipping"];

    /// <summary>Long, for a machine that is busy with something else, such as a build.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    private readonly CommandLine _commandLine = new(narrator, workspace);

    public string? ApiKey { get; private set; }

    /// <summary>The address of the Stripe simulator.</summary>
    public string? StripeAddress { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await StartServerAsync(cancellationToken);
        await SignUpAsync(cancellationToken);
        await using var client = PyResolveClient.Create(
            new PyResolveClientOptions { ApiUrl = server.Address, ApiKey = ApiKey, Home = workspace.Home, RequestTimeout = Timeout });

        narrator.Step("Log the command line in");
        await _commandLine.RunAsync(
            $"login --with-key --api-url {server.Address.OriginalString.TrimEnd('/')}", 0, cancellationToken, ("key.txt", ApiKey + "\n"));
        await _commandLine.RunAsync("status", 0, cancellationToken);
        await ExpectUsedAsync(client, 0, cancellationToken);

        await UpgradeOneAsync(client, cancellationToken);
        await UpgradeAgainAsync(client, cancellationToken);
        await UpgradeOthersAsync(client, cancellationToken);
        await RunIntoTheLimitAsync(client, cancellationToken);

        var subscription = new SubscriptionStory(narrator, _commandLine, client);
        await subscription.RunAsync(RefusedService, cancellationToken);
        StripeAddress = subscription.StripeAddress;
    }

    private async Task StartServerAsync(CancellationToken cancellationToken)
    {
        narrator.Step("Start a server");
        narrator.Command("ASPNETCORE_ENVIRONMENT=Development dotnet PyResolve.Server.dll");
        var start = Stopwatch.GetTimestamp();
        await server.WaitUntilReadyAsync(cancellationToken);
        narrator.Output(
            $"Ready at {server.Address.OriginalString} after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, on embedded SQLite.");
    }

    private async Task ShowPlansAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        narrator.Say($"What it sells is configuration. catalogue.json names the product {Catalogue.Product} and its plans:");
        foreach (var plan in await client.GetPlansAsync(cancellationToken))
        {
            var price = plan.Price is { } paid
                ? string.Create(CultureInfo.InvariantCulture, $"{paid.Amount / 100m:0.00} {paid.Currency} a {paid.Interval}")
                : "without payment";
            narrator.Output($"{plan.Name}: {plan.MigrationsLimit} migrations a month, {price}");
        }
    }

    private async Task SignUpAsync(CancellationToken cancellationToken)
    {
        await using var client = PyResolveClient.Create(
            new PyResolveClientOptions { ApiUrl = server.Address, Home = workspace.Home, RequestTimeout = Timeout });
        await ShowPlansAsync(client, cancellationToken);
        narrator.Step("Sign up");
        narrator.Say("With the SDK, as a tool would:");
        narrator.Output($"await client.SignUpAsync(new() {{ Email = \"{Email}\", Password = … }});");
        var account = await client.SignUpAsync(
            new SignUpRequest { Email = Email, Password = Guid.CreateVersion7().ToString() }, cancellationToken);
        ApiKey = account.ApiKey;
        narrator.Output($"An account on the plan '{account.User.Plan}', and its first API key: {account.ApiKey[..20]}…");
    }

    private async Task UpgradeOneAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        narrator.Step("Upgrade a service from pydantic 1 to 2");
        narrator.Say("shop/ is a web shop of six small services. config.toml names the program that rewrites them:");
        narrator.Output("[migrators]");
        narrator.Output("pydantic = \"dotnet PydanticMigrator.dll {path}\"");
        workspace.ConfigureMigrator(Programs.DotNet, Programs.Migrator);
        narrator.Say();

        var file = $"shop/{FirstService}/models.py";
        var before = workspace.Lines(file);
        await UpgradeAsync(FirstService, 0, cancellationToken);
        var after = workspace.Lines(file);
        if (before.SequenceEqual(after))
            throw new TourException($"{file} was not changed.");
        await ExpectUsedAsync(client, 1, cancellationToken);

        narrator.Say();
        narrator.Say($"The first changes to {file}:");
        narrator.Diff(LineDiff.Excerpt(before, after, lines: 16));
    }

    private async Task UpgradeAgainAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        narrator.Step("Upgrade it again: nothing to change, so nothing to pay");
        await UpgradeAsync(FirstService, 0, cancellationToken);
        await ExpectUsedAsync(client, 1, cancellationToken);
    }

    private async Task UpgradeOthersAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        narrator.Step("Upgrade four more");
        var used = 1;
        foreach (var service in OtherServices)
        {
            await UpgradeAsync(service, 0, cancellationToken);
            await ExpectUsedAsync(client, ++used, cancellationToken);
        }
    }

    private async Task RunIntoTheLimitAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        narrator.Step("Run into the limit of five that the plan without payment has");
        var file = $"shop/{RefusedService}/messages.py";
        var before = workspace.Lines(file);
        await UpgradeAsync(RefusedService, 3, cancellationToken);
        if (!before.SequenceEqual(workspace.Lines(file)))
            throw new TourException($"{file} was changed, although the upgrade was refused.");
        narrator.Say("(exit code 3: denied)");
        narrator.Say();
        await _commandLine.RunAsync("status", 0, cancellationToken);
        await ExpectUsedAsync(client, 5, cancellationToken);
    }

    private Task UpgradeAsync(string service, int expectedExitCode, CancellationToken cancellationToken) =>
        _commandLine.RunAsync($"upgrade pydantic --target 2.0 --path shop/{service}", expectedExitCode, cancellationToken);

    private static async Task ExpectUsedAsync(PyResolveClient client, int used, CancellationToken cancellationToken)
    {
        var quota = await client.GetQuotaAsync(cancellationToken);
        if (quota.MigrationsUsed != used || quota.MigrationsHeld != 0)
            throw new TourException(
                $"The server counts {quota.MigrationsUsed} used and {quota.MigrationsHeld} held; expected were {used} and 0.");
    }
}
