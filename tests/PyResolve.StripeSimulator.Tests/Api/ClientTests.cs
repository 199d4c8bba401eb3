using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>Stripe's own .NET client makes every call that the simulator has, and reads its answer.</summary>
public sealed class ClientTests : IAsyncLifetime
{
    /// <summary>Only the portal's page makes schedules: <see cref="Lifecycle.ScheduleTests"/>.</summary>
    private static readonly string[] NeedsAPage = ["GET /v1/subscription_schedules/{id}", "POST /v1/subscription_schedules/{id}/release"];

    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Every_call_is_made_by_Stripes_own_client_and_its_answer_is_read()
    {
        var calls = new ClientCalls(_stage);
        calls.Prepare();
        var rows = calls.Catalogue.Concat(calls.Customers).Concat(calls.Subscriptions).Concat(calls.Money).Concat(calls.Usage).ToList();

        foreach (var (route, call) in rows)
        {
            _stage.Simulation.Requests.ResetCounts();
            var answer = await call();
            answer.StripeResponse.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, route);
            _stage.Simulation.Requests.Counts.Keys.ShouldContain(route);
        }

        rows.Select(static row => row.Route).Concat(NeedsAPage).ShouldBe(Routes.Names, ignoreOrder: true);
    }
}
