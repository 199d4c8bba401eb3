using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client.Tests.Network;

/// <summary>What an application with default logging reads when the server goes away.</summary>
public sealed class OutageLogTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<Answer> Outages { get; } = [Answer.ConnectionClosed, Answer.Html(502), Answer.Html(200)];

    [Theory, MemberData(nameof(Outages), DisableDiscoveryEnumeration = true)]
    public async Task An_outage_of_many_calls_is_one_warning_and_its_end_is_one_line(Answer outage)
    {
        var isDown = true;
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", _ => isDown ? outage : Answer.Quota(0));
        server.On("POST /quota/reservations", _ => outage);
        using var log = new RecordedLog();
        await using var provider = Build(server, log);
        var client = provider.GetRequiredService<PyResolveClient>();

        for (var i = 0; i < 3; i++)
        {
            await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation));
            (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        }

        log.Lines.Count.ShouldBe(1, string.Join('\n', log.Lines));
        isDown = false;
        for (var i = 0; i < 5; i++)
            await client.GetQuotaAsync(Cancellation);

        log.Lines.Count.ShouldBe(2, string.Join('\n', log.Lines));
        log.Lines.Last().ShouldEndWith(" answers again");
    }

    [Fact]
    public async Task Calls_that_succeed_log_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        using var log = new RecordedLog();
        await using var provider = Build(server, log);

        for (var i = 0; i < 5; i++)
            await provider.GetRequiredService<PyResolveClient>().GetQuotaAsync(Cancellation);

        log.Lines.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_outage_that_only_usage_events_meet_is_one_warning_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage", Answer.ConnectionClosed);
        using var log = new RecordedLog();
        await using var provider = Build(server, log);
        var usage = provider.GetRequiredService<UsageReporter>();

        usage.Report(new("scan"));
        for (var i = 0; i < 3; i++)
            await Should.ThrowAsync<PyResolveException>(usage.FlushAsync(Cancellation));

        log.Lines.Count.ShouldBe(1, string.Join('\n', log.Lines));
    }

    private static ServiceProvider Build(ScriptedServer server, RecordedLog log)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(log));
        services.AddPyResolveClient(options =>
        {
            (options.ApiUrl, options.ApiKey, options.Home) = (server.Url, ScriptedServer.Key, server.Home.Path);
            options.ShutdownTimeout = TimeSpan.Zero;
        });
        return services.BuildServiceProvider();
    }
}
