using ModelContextProtocol;
using ModelContextProtocol.Client;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What an agent sees of <c>pyresolve mcp</c>: the package's own client, the real program and the real server.</summary>
[Trait("Platform", "Unix")]
public sealed class McpTests(EveryCommandTests.RealServer server) : IClassFixture<EveryCommandTests.RealServer>, IAsyncLifetime
{
    private const string Old = "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    nick: str | None\n";

    private static readonly object Upgrade = new { library = "pydantic", target = "2.0" };

    private readonly CliDriver _cli = new CliDriver().WithFile("app/model.py", Old);
    private readonly List<string> _asked = [];
    private TestAccount _account = null!;

    public static TheoryData<string> Versions => McpAnswers.Versions;

    public async ValueTask InitializeAsync()
    {
        _account = await TestAccount.SignUpAsync(server.Process.Http);
        _cli.WithConfig($"api_key = \"{_account.ApiKey}\"\napi_url = \"{server.Process.Address.OriginalString}\"\n");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task It_lists_its_tools_and_resources(string version)
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options(version));

        var tools = await client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken);
        var resources = await client.ListResourcesAsync(cancellationToken: TestContext.Current.CancellationToken);

        client.NegotiatedProtocolVersion.ShouldBe(version);
        client.ServerInfo?.Name.ShouldBe("pyresolve");
        client.ServerInstructions.ShouldNotBeNull().ShouldContain("check_migration");
        tools.Select(tool => tool.Name).ShouldBe(["get_quota", "check_migration", "run_upgrade", "report_usage"]);
        tools.ShouldAllBe(tool => tool.Description.Length > 20 && tool.JsonSchema.GetProperty("type").GetString() == "object");
        resources.Select(resource => resource.Uri).ShouldBe(["pyresolve://plan", "pyresolve://usage"]);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task An_upgrade_that_the_person_accepts_is_charged_once(string version)
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options(version, "accept", _asked));

        var check = await client.CallAsync("check_migration", Upgrade);
        var first = await client.CallAsync("run_upgrade", Upgrade);
        var second = await client.CallAsync("run_upgrade", Upgrade);
        var quota = await client.CallAsync("get_quota");

        (check.Get("allowed").GetBoolean(), check.Get("cost").GetInt32(), check.Get("migrator").GetString()).ShouldBe((true, 1, "builtin:pydantic"));
        (first.IsError, first.Get("outcome").GetString(), first.Get("charged").GetBoolean()).ShouldBe((false, "changed", true), first.Text);
        (second.Get("outcome").GetString(), second.Get("charged").GetBoolean()).ShouldBe(("unchanged", false));
        _cli.Read("app/model.py").ShouldContain("nick: str | None = None");
        _asked[0].ShouldBe(
            "Upgrade pydantic to 2.0 in this project? builtin:pydantic rewrites the code in place. "
            + "It uses one of the 5 migrations that are left this month, if it changes files.");
        quota.Get("quota").GetProperty("migrations_used").GetInt32().ShouldBe(1);
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task An_upgrade_that_the_person_declines_does_not_run_and_costs_nothing(string version)
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options(version, "decline", _asked));

        var result = await client.CallAsync("run_upgrade", Upgrade);

        (result.IsError, result.Get("code").GetString(), result.Get("retryable").GetBoolean()).ShouldBe((true, "declined", false));
        _asked.Count.ShouldBe(1);
        _cli.Read("app/model.py").ShouldBe(Old);
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Fact]
    public async Task A_refusal_says_why_and_what_to_do_next_and_asks_nobody()
    {
        await _account.ReserveAsync(quantity: 5);
        await File.AppendAllTextAsync(
            _cli.ConfigPath, "\n[migrators]\nnumpy = \"true {path}\"\n", TestContext.Current.CancellationToken);
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options(answer: "accept", asked: _asked));

        var noLlm = await client.CallAsync("run_upgrade", new { library = "numpy", target = "2.0", tier = "tier2" });
        var full = await client.CallAsync("run_upgrade", Upgrade);
        var check = await client.CallAsync("check_migration", Upgrade);

        (noLlm.IsError, noLlm.Get("code").GetString()).ShouldBe((true, "llm_not_allowed"));
        noLlm.Get("next")[0].GetString().ShouldBe($"Ask the person to upgrade the plan at {noLlm.Get("upgrade_url").GetString()}");
        noLlm.Text.ShouldContain("Or call again with tier tier1");
        (full.IsError, full.Get("code").GetString(), full.Get("retryable").GetBoolean()).ShouldBe((true, "quota_exceeded", false));
        full.Text.ShouldContain("Monthly limit reached (5 migrations");
        full.Text.ShouldContain("Or wait until ");
        full.Get("resets_at").GetDateTimeOffset().ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
        (check.IsError, check.Get("allowed").GetBoolean()).ShouldBe((false, false));
        check.Get("refusal").GetProperty("code").GetString().ShouldBe("quota_exceeded");
        _asked.ShouldBeEmpty();
        _cli.Read("app/model.py").ShouldBe(Old);
    }

    [Fact]
    public async Task A_check_with_a_diff_shows_the_changes_and_makes_none()
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var result = await client.CallAsync("check_migration", new { library = "pydantic", target = "2.0", path = "app", diff = true });

        result.Get("preview").GetProperty("diff").GetString().ShouldNotBeNull().ShouldContain("+    nick: str | None = None");
        _cli.Read("app/model.py").ShouldBe(Old);
        (await _account.QuotaAsync()).Used.ShouldBe(0);
    }

    [Fact]
    public async Task Reported_usage_and_the_plan_are_read_as_resources()
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var result = await client.CallAsync("report_usage", new { event_type = "llm_call", library = "pydantic", tokens_used = 1200 });
        var usage = await client.ReadAsync("pyresolve://usage");
        var plan = await client.ReadAsync("pyresolve://plan");

        (result.IsError, result.Get("sent").GetBoolean()).ShouldBe((false, true), result.Text);
        usage.GetProperty("usage").GetProperty("total_tokens").GetInt32().ShouldBe(1200);
        plan.GetProperty("plan").GetString().ShouldBe("free");
        plan.GetProperty("plans").EnumerateArray().Select(one => one.GetProperty("name").GetString()).ShouldContain("pro");
    }

    [Fact]
    public async Task Without_a_login_the_model_is_told_what_to_ask_for_and_a_login_counts_at_once()
    {
        var config = await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken);
        _cli.WithConfig("");
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var before = await client.CallAsync("get_quota");
        _cli.WithConfig(config);
        var after = await client.CallAsync("get_quota");

        (before.IsError, before.Get("code").GetString()).ShouldBe((true, "login_required"));
        before.Text.ShouldContain("Run: pyresolve login");
        after.Get("plan").GetString().ShouldBe("free");
    }

    [Theory]
    [InlineData("..", "outside the project")]
    [InlineData("/etc", "outside the project")]
    [InlineData("app/../../home", "outside the project")]
    [InlineData("link", "symbolic link")]
    [InlineData("link/inner", "symbolic link")]
    [InlineData("nothing", "There is no folder or file nothing")]
    public async Task A_path_that_leads_out_of_the_project_is_refused(string path, string why)
    {
        Directory.CreateDirectory(Path.Combine(_cli.Home, "inner"));
        File.CreateSymbolicLink(Path.Combine(_cli.Project, "link"), _cli.Home);
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var result = await client.CallAsync("run_upgrade", new { library = "pydantic", target = "2.0", path });

        (result.IsError, result.Get("code").GetString()).ShouldBe((true, "invalid_request"));
        result.Text.ShouldContain(why);
    }

    [Theory]
    [InlineData("""{"library":"pydantic"}""", "The argument target is missing.")]
    [InlineData("""{"library":7,"target":"2.0"}""", "The argument library has to be a string.")]
    [InlineData("""{"library":"pydantic","target":"2.0","migrator":"rm"}""", "There is no argument migrator.")]
    [InlineData("""{"library":"pydantic","target":"2.0","tier":"tier9"}""", "There is no tier tier9.")]
    [InlineData("""{"library":"numpy","target":"2.0"}""", "There is no migrator for numpy.")]
    public async Task A_wrong_argument_is_named(string arguments, string why)
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var result = await client.CallAsync("run_upgrade", System.Text.Json.JsonDocument.Parse(arguments).RootElement);

        result.IsError.ShouldBe(true);
        result.Text.ShouldStartWith(why);
    }

    [Fact]
    public async Task What_does_not_exist_is_an_error_of_the_protocol()
    {
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        (await Should.ThrowAsync<McpProtocolException>(async () => await client.CallAsync("delete_everything")))
            .Message.ShouldContain("There is no tool delete_everything.");
        (await Should.ThrowAsync<McpProtocolException>(async () => await client.ReadAsync("pyresolve://secrets")))
            .Message.ShouldContain("There is no resource pyresolve://secrets.");
    }

    [Fact]
    public async Task Outside_a_project_it_reads_the_quota_and_upgrades_nothing()
    {
        _cli.Environment["HOME"] = _cli.Project;
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());

        var quota = await client.CallAsync("get_quota");
        var upgrade = await client.CallAsync("run_upgrade", Upgrade);

        quota.Get("plan").GetString().ShouldBe("free");
        (upgrade.IsError, upgrade.Text.Contains("pyresolve mcp --root <dir>", StringComparison.Ordinal)).ShouldBe((true, true));
    }

    public ValueTask DisposeAsync()
    {
        _cli.Dispose();
        return ValueTask.CompletedTask;
    }
}
