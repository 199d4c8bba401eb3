using System.Net;

namespace PyResolve.StripeSimulator.Tests.Control;

public sealed class HostTests
{
    [Theory]
    [InlineData("Production", StripeSimulatorOptions.DefaultSecretKey, "Production")]
    [InlineData("production", StripeSimulatorOptions.DefaultSecretKey, "Production")]
    [InlineData("Development", "sk_live_0123456789", "sk_test_")]
    public async Task It_does_not_run_in_production_nor_with_a_live_key(string environment, string key, string reason)
    {
        var options = new StripeSimulatorOptions { Environment = environment, SecretKey = key };

        var refused = await Should.ThrowAsync<InvalidOperationException>(
            () => StripeSimulatorHost.StartAsync(options, TestContext.Current.CancellationToken));

        refused.Message.ShouldContain(reason);
        refused.Message.ShouldNotContain("0123456789");
    }

    [Fact]
    public async Task It_listens_on_loopback_only()
    {
        await using var stage = await Stage.SetAsync();

        IPAddress.Parse(stage.Host.Address.Host).ShouldBe(IPAddress.Loopback);
    }

    [Fact]
    public async Task Two_runs_share_no_id()
    {
        await using var first = await Stage.SetAsync();
        await using var second = await Stage.SetAsync();

        first.Simulation.AddCustomer().ShouldNotBe(second.Simulation.AddCustomer());
    }

    [Fact]
    public async Task Concurrent_callers_get_one_object_each()
    {
        await using var stage = await Stage.SetAsync();

        var made = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => stage.Api.PostAsync("/v1/customers")));

        made.Select(static answer => answer.Ok().Id).Distinct().Count().ShouldBe(50);
        (await stage.Api.GetAsync("/v1/customers?limit=100")).Ok().Data.Count.ShouldBe(50);
    }
}
