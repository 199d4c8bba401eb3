using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Usage events that were kept on disk because the server could not be reached.</summary>
internal static class WaitingUsage
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    /// <summary>Looks for events that earlier commands left, and tries to send them, for at most 5 s.</summary>
    /// <returns>Why the events could not be sent; they stay on disk.</returns>
    public static async Task<PyResolveException?> SendAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MaxTime);
        try
        {
            await client.Usage.FlushAsync(limit.Token);
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return client.Usage.LastFailure;
        }
        catch (PyResolveException failure)
        {
            return failure;
        }
    }

    /// <summary>What still waits, and what sends it; <see langword="null"/> when nothing waits.</summary>
    public static string? Describe(PyResolveClient client) => client.Usage.Pending is > 0 and var pending
        ? $"{QuotaText.Pluralize(pending, "usage event")} not sent yet. To send: pyresolve sync"
        : null;
}
