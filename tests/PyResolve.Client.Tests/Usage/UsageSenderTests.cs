using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client.Tests.Usage;

/// <summary>Events are sent in spite of failures of the server, a proxy or the host.</summary>
public sealed class UsageSenderTests
{
    private static readonly Answer Recorded = Answer.Json(200, """{"status":"recorded"}""");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("31536000")]
    [InlineData("Fri, 31 Dec 2100 23:59:59 GMT")]
    public async Task A_wait_of_a_year_is_limited_to_five_minutes(string retryAfter)
    {
        await using var server = await ScriptedServer.StartAsync();
        var clock = new SkippingClock();
        await using var client = server.On("POST /usage", Busy(retryAfter), Recorded).SkippingClient(clock);

        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        client.Usage.Sent.ShouldBe(1);
        clock.Pauses.Max().ShouldBe(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_throwing_logger_of_the_host_ends_the_flush_but_not_the_sending()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage", Answer.Problem(409, "conflict", "No."), Answer.Problem(409, "conflict", "No."), Recorded);
        using var logger = new OnceThrowingLogger();
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(logger).AddFilter("System.Net.Http", LogLevel.None));
        services.AddPyResolveClient(
            options => (options.ApiUrl, options.ApiKey, options.Home) = (server.Url, ScriptedServer.Key, server.Home.Path));
        await using var provider = services.BuildServiceProvider();
        var usage = provider.GetRequiredService<UsageReporter>();

        usage.Report(new("scan"));
        (await Should.ThrowAsync<PyResolveException>(usage.FlushAsync(Cancellation))).InnerException.ShouldNotBeNull();
        usage.LastFailure.ShouldNotBeNull();
        usage.Report(new("scan"));
        await usage.FlushAsync(Cancellation);

        (usage.Sent, usage.Pending, usage.LastFailure).ShouldBe((1, 0, null));
    }

    private static Answer Busy(string retryAfter) =>
        Answer.Busy(0) with { Headers = new Dictionary<string, string> { ["Retry-After"] = retryAfter } };

    /// <summary>Throws when the first rejection is logged.</summary>
    private sealed class OnceThrowingLogger : ILoggerProvider, ILogger
    {
        private int _rejections;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains("rejected", StringComparison.Ordinal) && Interlocked.Increment(ref _rejections) == 1)
                throw new InvalidOperationException("The log is full.");
        }

        public void Dispose()
        {
        }
    }
}
