using PyResolve.Cli.Tests.Infrastructure;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Tests;

public sealed class HoldsTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();
    private PyResolveClient _client = null!;

    private List<Reservation> Held => [.. _server.Account.Holds.Where(static hold => hold.State == ReservationStates.Held)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _cli.WithLogin(_server);
        _client = _server.CreateClient();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Where_nothing_is_held_it_says_so()
    {
        (await _cli.RunAsync("holds", "list")).Output.ShouldBe("Nothing is held.\n");
        (await _cli.RunAsync("holds", "release", "--all")).Output.ShouldBe("✓ No reservation can be released\n");
    }

    [Fact]
    public async Task What_is_held_is_listed_with_its_end()
    {
        await using var permit = await _client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        var result = await _cli.RunAsync("holds", "list");

        result.ShouldSucceed();
        result.Output.ShouldBe($"""
              Library   Id            Tier   Held  Until
              pydantic  {ShortId(permit)}  tier1     1  2026-11-23 12:15 UTC

            """);
    }

    [Fact]
    public async Task A_hold_is_released_by_the_end_of_its_id()
    {
        await using var kept = await _client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await using var released = await _client.Quota.AcquireAsync(new("sqlalchemy"), Cancellation);

        var result = await _cli.RunAsync("holds", "release", ShortId(released));

        result.Output.ShouldBe($"✓ Released {ShortId(released)} (1 migration)\n");
        Held.ShouldHaveSingleItem().Id.ShouldBe(kept.ReservationId!.Value);
    }

    [Fact]
    public async Task All_holds_are_released_only_after_a_yes()
    {
        await using var permit = await _client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        (await _cli.RunAsync("holds", "release", "--all")).ShouldFail(2, "needs confirmation", "--yes");
        Held.Count.ShouldBe(1);
        (await _cli.RunAsync("holds", "release", "--all", "--yes")).ShouldSucceed();

        Held.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_id_that_nothing_has_is_a_failure_and_neither_id_nor_all_a_usage_error()
    {
        (await _cli.RunAsync("holds", "release", "0123456789ab")).ShouldFail(1, "Nothing is held with the id", "pyresolve holds list");
        (await _cli.RunAsync("holds", "release")).ShouldFail(2, "Give the id of a reservation, or --all", "pyresolve holds list");
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _server.Dispose();
        _cli.Dispose();
    }

    private static string ShortId(QuotaPermit permit) => permit.ReservationId.ToString()![^12..];
}
