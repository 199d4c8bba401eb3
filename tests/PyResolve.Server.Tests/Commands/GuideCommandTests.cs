using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Commands;

/// <summary>The commands and requests of the pages for operators, as they are written there but for names.</summary>
public sealed class GuideCommandTests(SharedServers servers)
{
    /// <summary>What has an effect on the store alone. Other tests run the rest: init, backup, restore, import, stripe.</summary>
    private static readonly string[] Verbs =
        ["accounts", "keys", "sessions", "audit", "operator", "usage", "config", "cost", "migrate-schema"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Places => [.. GuideCommands.All.Select(static one => one.Place).Distinct()];

    [Theory, MemberData(nameof(Places))]
    public void Every_command_that_a_page_or_a_file_names_is_one_of_the_server(string place)
    {
        foreach (var command in GuideCommands.All.Where(one => one.Place == place))
            CommandLine.FindMisuse(command.Words).ShouldBeNull($"{place}: {command.Text}");
    }

    [Theory]
    [InlineData("accounts delte ada@example.com")]
    [InlineData("accounts set-plan ada@example.com")]
    [InlineData("init --oprator ada@example.com")]
    public void A_command_that_there_is_not_is_found(string command) => CommandLine.FindMisuse(command.Split(' ')).ShouldNotBeNull();

    [Fact]
    public void Both_spellings_are_found_on_every_page_for_operators()
    {
        var places = GuideCommands.All.Select(static one => one.Place).ToList();

        foreach (var page in (string[])[
            "docs/accounts.md", "docs/hosting.md", "docs/statistics.md", "docs/operators.md", "docs/install.md", "docs/containers.md",
            "docs/upgrading.md", "docs/troubleshooting.md", "docs/costs.md", "docs/scaling.md", "deploy/compose/compose.yaml"])
            places.ShouldContain(page);
        GuideCommands.All.Count.ShouldBeGreaterThan(50);
    }

    /// <summary>Except where docs/hosting.md starts a build, and in the image, which has the program as a build has it.</summary>
    [Fact]
    public void Every_page_calls_the_program_pyresolve_server() => GuideCommands.All
        .Where(static one => !one.Text.Contains("/opt/pyresolve/") && !one.Text.Contains("kubectl"))
        .Where(static one => one.Text.Contains("PyResolve.Server"))
        .Select(static one => $"{one.Place}: {one.Text}")
        .ShouldBeEmpty();

    /// <summary>Else the link for the operator leads to the machine on which the command ran.</summary>
    [Fact]
    public void Where_init_is_for_a_server_on_another_machine_it_names_the_address_that_people_see()
    {
        var lines = GuideCommands.All.Where(static one => one.Words[0] == "init"
            && (one.Text.Contains("--database") || one.Text.Contains("DATABASE_URL=") || one.Text.Contains("docker compose"))).ToList();

        lines.Count.ShouldBeGreaterThan(3);
        foreach (var line in lines.Where(static one => !one.Text.Contains("compose.proxy.yaml")))
            line.Text.ShouldContain("--url http", customMessage: line.Place);
    }

    [Theory, OnBothEngines]
    public async Task Every_command_of_the_server_runs_as_it_is_documented(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        string[] commands =
        [
            .. from one in GuideCommands.All
               where Verbs.Contains(one.Words[0]) && !one.Words.Contains("--distribute")
               // No command reads a file of this machine.
               let file = one.Words.IndexOf("--env-file")
               select string.Join(' ', file < 0 ? one.Words : [.. one.Words[..file], .. one.Words[(file + 2)..]])
                   .Replace("<email>", "ada@example.com"),
        ];
        commands = [.. commands.Distinct()];
        commands.Length.ShouldBeGreaterThan(20);
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

            var result = await ServerProcess.RunAsync(command.Split(' '), settings, Cancellation);

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

    [Fact]
    public async Task The_checkout_of_the_page_about_plans_is_opened()
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: OwnCatalogue.SettingsForSale);
        var account = await billing.Own.SignUpAsync();
        var commands = Guide.Block("plans.md", "sh", "/billing/checkout")
            .Replace("https://api.example.com", billing.Own.Server.Address.AbsoluteUri.TrimEnd('/'))
            .Replace("pyr_live_…", account.ApiKey);

        (await RunAsync(commands, [])).ShouldStartWith("{\"checkout_url\":\"");

        billing.Stripe.Asked.Single().ShouldSatisfyAllConditions(
            static asked => asked.Price.ShouldBe("price_team_year"), static asked => asked.Quantity.ShouldBe(5));
    }

    private static async Task<string> RunAsync(string commands, Dictionary<string, string?> environment) =>
        (await Command.RunAsync("/bin/sh", ["-euc", commands], environment, cancellationToken: Cancellation)).OrThrow(commands).Output;
}
