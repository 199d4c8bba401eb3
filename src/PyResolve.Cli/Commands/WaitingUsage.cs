using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Usage events that were kept on disk because the server could not be reached.</summary>
internal static class WaitingUsage
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Looks for events that earlier commands left, and tries to send them, for at most 5 s.</summary>
    public static async Task SendAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await client.Usage.FlushAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // They stay on disk.
        }
        catch (PyResolveException)
        {
            // The same; the reporter keeps the reason.
        }
    }

    /// <summary>What still waits, and what sends it; <see langword="null"/> when nothing waits.</summary>
    public static string? Describe(PyResolveClient client) => client.Usage.Pending is > 0 and var pending
        ? $"{QuotaText.Pluralize(pending, "usage event")} not sent yet. To send: pyresolve sync"
        : null;
}
