namespace PyResolve.Client;

internal static class Streams
{
    public static Task<Stream> OpenAsync(this HttpContent content, CancellationToken cancellationToken) =>
#if NET
        content.ReadAsStreamAsync(cancellationToken);
#else
        cancellationToken.IsCancellationRequested ? Task.FromCanceled<Stream>(cancellationToken) : content.ReadAsStreamAsync();
#endif

    public static Task<int> ReadPieceAsync(this Stream stream, byte[] buffer, CancellationToken cancellationToken) =>
#if NET
        stream.ReadAsync(buffer, cancellationToken).AsTask();
#else
        stream.ReadAsync(buffer, 0, buffer.Length, cancellationToken);
#endif

    public static Task WritePieceAsync(this Stream stream, byte[] buffer, int count, CancellationToken cancellationToken) =>
#if NET
        stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken).AsTask();
#else
        stream.WriteAsync(buffer, 0, count, cancellationToken);
#endif
}
