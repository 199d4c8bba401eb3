using PyResolve.Cli.Migrations;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Migrations;

/// <summary>The messages of a migrator about its work. Thread-safe.</summary>
internal sealed class MigratorReport(MigrationLog log)
{
    private long _tokens;
    private volatile RemoteMigrationProgress? _progress;

    /// <summary>The tokens that it used, at most what a usage event can have.</summary>
    public long TokensUsed => Interlocked.Read(ref _tokens);

    public RemoteMigrationProgress? Progress => _progress;

    public void Take(MigratorMessage message)
    {
        switch (message)
        {
            case { Type: "progress", Done: >= 0 and var done, Total: null or >= 0 }:
                _progress = new RemoteMigrationProgress(
                    Math.Min(done, message.Total ?? done), message.Total, message.File is { } file ? PlainText.Of(file) : null);
                break;
            case { Type: "tokens", Used: >= 0 and var used }:
                // One thread reads the channel.
                Interlocked.Exchange(ref _tokens, Math.Min(int.MaxValue, TokensUsed + Math.Min(used, int.MaxValue)));
                break;
            case { Type: "log", Message: { } text, Level: null or "info" or "warning" or "error" }:
                log.AddLine(message.Level is "warning" or "error" ? $"{message.Level}: {PlainText.Of(text)}" : PlainText.Of(text));
                break;
            case { Type: "result", Summary: { } summary }:
                log.AddLine(PlainText.Of(summary));
                break;
            case { Type: "progress" or "tokens" or "log" or "result" }:
                Ignore($"a message of the type {message.Type} lacks a member, or has one out of range");
                break;
        }
    }

    public void Ignore(string reason) => log.AddLine($"A line of the migrator's channel could not be read: {reason}.");
}
