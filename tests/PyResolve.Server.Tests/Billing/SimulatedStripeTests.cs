using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A simulated Stripe sells plans only in Development without a key, and they are void elsewhere.</summary>
public sealed class SimulatedStripeTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task In_Development_a_simulated_Stripe_sells_plans_which_end_with_it(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await StartAsync(store, "Development");
        server.Log.ShouldContain("a simulated Stripe sells the plans, and nothing is charged.");
        var account = await TestAccount.SignUpAsync(server.Http);

        await HostedCheckout.SubscribeAsync(account, "pro");
        (await PlanAsync(account)).ShouldBe("pro");
        await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync(
                "select count(*) from stripe_events where type = 'customer.subscription.created' and state = 'done'") == 1,
            cancellationToken: TestContext.Current.CancellationToken,
            what: "the webhook has arrived");

        await server.KillAsync();
        await server.RestartAsync(TestContext.Current.CancellationToken);
        (await PlanAsync(account)).ShouldBe("free");
        server.Log.ShouldContain("Accounts that lost one: 1");
        await HostedCheckout.SubscribeAsync(account, "unlimited");
        (await PlanAsync(account)).ShouldBe("unlimited");
    }

    [Fact]
    public async Task Plans_also_begin_if_disputes_are_configured_to_end_them()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        await using var server = await StartAsync(store, "Development", ("PyResolve__Stripe__DisputeEndsPlan", "true"));
        var account = await TestAccount.SignUpAsync(server.Http);

        await HostedCheckout.SubscribeAsync(account, "pro");

        (await PlanAsync(account)).ShouldBe("pro");
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite, null)]
    [InlineData(StorageEngine.Postgres, "sk_test_real")]
    public async Task A_plan_granted_by_the_simulator_is_void_in_Production(StorageEngine engine, string? key)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var simulated = await StartAsync(store, "Development");
        var account = await TestAccount.SignUpAsync(simulated.Http);
        await HostedCheckout.SubscribeAsync(account, "unlimited");
        await simulated.StopAsync();

        await using var production = await StartAsync(store, "Production", ("STRIPE_SECRET_KEY", key));

        (await PlanAsync(account.On(production.Http))).ShouldBe("free");
    }

    [Theory]
    [InlineData("Production", "", 503)]
    [InlineData("Staging", "", 503)]
    [InlineData("Development", "STRIPE_SECRET_KEY=sk_test_real", 200)]
    [InlineData("Development", "STRIPE_API_BASE=http://127.0.0.1:9", 503)]
    public async Task The_simulator_is_not_loaded_outside_Development_or_with_another_Stripe(string environment, string setting, int status)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        await using var server =
            await StartAsync(store, environment, setting.Split('=') is [var name, var value] ? (name, value) : ("STRIPE_SECRET_KEY", null));
        var account = await TestAccount.SignUpAsync(server.Http);

        (await account.Key.GetAsync("/billing/subscription")).Status.ShouldBe(status);

        server.Log.ShouldNotContain("simulated");
        LoadedFiles.Of(server).ShouldContain("PyResolve.Server.dll");
        LoadedFiles.Of(server).ShouldNotContain("PyResolve.StripeSimulator.dll");
    }

    private static Task<ServerProcess> StartAsync(
        TestStore store, string environment, params ReadOnlySpan<(string Name, string? Value)> settings)
    {
        var all = new Dictionary<string, string?>(store.Settings)
        {
            ["ASPNETCORE_ENVIRONMENT"] = environment,
            ["PyResolve__PasswordIterations"] = "1000",
        };
        foreach (var (name, value) in settings)
            all[name] = value;
        return ServerProcess.StartAsync(all, TestContext.Current.CancellationToken);
    }

    private static async Task<string?> PlanAsync(TestAccount account) => (await account.Key.GetAsync("/quota"))["plan"].GetString();
}
