using PyResolve.Cli.Output;

namespace PyResolve.Cli.Migrations;

/// <summary>What a migrator has said about its work. Thread-safe.</summary>
internal sealed class MigratorReport(UpgradeOutput output)
{
    private const int KeptMessages = 100;

    private readonly Lock _lock = new();
    private readonly List<UpgradeMessage> _messages = [];
    private long _tokens;
    private int _ignored;
    private string? _firstIgnored;
    private string? _summary;

    /// <summary>At most what a usage event can have.</summary>
    public long TokensUsed
    {
        get
        {
            lock (_lock)
                return _tokens;
        }
    }

    public string? Summary
    {
        get
        {
            lock (_lock)
                return _summary;
        }
    }

    /// <summary>The first hundred.</summary>
    public IReadOnlyList<UpgradeMessage> Messages
    {
        get
        {
            lock (_lock)
                return [.. _messages];
        }
    }

    /// <summary>Why lines were not understood, in one sentence; <see langword="null"/> when all were.</summary>
    public string? Misunderstood
    {
        get
        {
            lock (_lock)
            {
                return _firstIgnored is null
                    ? null
                    : $"{QuotaText.Pluralize(_ignored, "line")} of the migrator's channel could not be read: {_firstIgnored}.";
            }
        }
    }

    /// <summary>A type that is not known is of a later version, and left out.</summary>
    public void Take(MigratorMessage message)
    {
        switch (message)
        {
            case { Type: "progress", Done: >= 0 and var done, Total: null or >= 0 }:
                output.Progress.Report(Math.Min(done, message.Total ?? done), message.Total, message.File);
                break;
            case { Type: "tokens", Used: >= 0 and var used }:
                lock (_lock)
                    _tokens = Math.Min(int.MaxValue, _tokens + Math.Min(used, int.MaxValue));
                break;
            case { Type: "log", Message: { } text, Level: null or "info" or "warning" or "error" }:
                Log(message.Level ?? "info", PlainText.Of(text));
                break;
            case { Type: "result", Summary: { } summary }:
                lock (_lock)
                    _summary = PlainText.Of(summary);
                break;
            case { Type: "progress" or "tokens" or "log" or "result" }:
                Ignore($"a message of the type {message.Type} lacks a member, or has one out of range");
                break;
        }
    }

    /// <summary>Its summary and the tokens that it used, where it named them.</summary>
    public void ShowSummary()
    {
        if (Summary is { } summary)
            output.Line($"  {summary}");
        if (TokensUsed is > 0 and var tokens)
            output.Line($"  Tokens used: {QuotaText.FormatNumber(tokens)}");
    }

    public void Ignore(string reason)
    {
        lock (_lock)
        {
            _ignored++;
            _firstIgnored ??= reason;
        }
    }

    private void Log(string level, string text)
    {
        lock (_lock)
        {
            if (_messages.Count < KeptMessages)
                _messages.Add(new UpgradeMessage(level, text));
        }
        if (level == "info")
            output.Note($"  {text}");
        else
            output.Warning(text);
    }
}
