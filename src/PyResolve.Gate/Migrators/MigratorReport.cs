using PyResolve.Gate;

// The name and the namespace that MigratorInbox, which is linked from the command line, writes to.
namespace PyResolve.Cli.Migrations;

/// <summary>What a migrator has said about its work. Thread-safe.</summary>
internal sealed class MigratorReport(GateOutput output)
{
    private long _tokens;

    /// <summary>At most what a usage event can have.</summary>
    public long TokensUsed => Interlocked.Read(ref _tokens);

    /// <summary>Progress is not shown: a build's log has no line that can be replaced.</summary>
    public void Take(MigratorMessage message)
    {
        switch (message)
        {
            case { Type: "tokens", Used: >= 0 and var used }:
                // One thread reads the channel.
                Interlocked.Exchange(ref _tokens, Math.Min(int.MaxValue, TokensUsed + Math.Min(used, int.MaxValue)));
                break;
            case { Type: "log", Message: { } text }:
                output.Message($"  {PlainText.Of(text)}");
                break;
            case { Type: "result", Summary: { } summary }:
                output.Message($"  {PlainText.Of(summary)}");
                break;
        }
    }

    public void Ignore(string reason) => output.Detail($"PyResolve: a line of the migrator's channel could not be read: {reason}.");
}
