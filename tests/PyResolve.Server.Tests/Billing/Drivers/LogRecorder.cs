using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The lines that a server logs about billing. Thread-safe.</summary>
internal sealed class LogRecorder : ILoggerProvider, ILogger
{
    public static readonly KeyValuePair<string, string?> Level = new("Logging:LogLevel:PyResolve.Server.Billing", "Warning");

    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            _lines.Enqueue(formatter(state, exception));
    }

    public void Dispose()
    {
        // Nothing to dispose of.
    }
}
