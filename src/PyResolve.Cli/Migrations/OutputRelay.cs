namespace PyResolve.Cli.Migrations;

/// <summary>Passes on a migrator's output as it comes, byte for byte. When the reader is gone, to nowhere: the migrator goes on.</summary>
internal static class OutputRelay
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    internal delegate void Pass(ReadOnlySpan<byte> text);

    public static Task Start(Stream source, Pass pass) => Task.Run(() =>
    {
        var buffer = new byte[16 * 1024];
        var isGone = false;
        try
        {
            while (source.Read(buffer) is > 0 and var read)
            {
                try
                {
                    if (!isGone)
                        pass(buffer.AsSpan(0, read));
                }
                catch (IOException)
                {
                    isGone = true;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It was closed.
        }
    });

    /// <summary>What the migrator had written when it ended. What it has left running may write on, and is not waited for.</summary>
    public static Task DrainAsync(IEnumerable<Task> relays) =>
        Task.WhenAny(Task.WhenAll(relays), Task.Delay(DrainTime, CancellationToken.None));
}
