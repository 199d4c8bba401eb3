using System.IO.Compression;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>Unpacks bodies that are sent compressed (RFC 9110, 8.4). The reader limits what they unpack to.</summary>
internal static class ContentCoding
{
    private const string Accepted = "gzip, deflate, br";

    /// <returns>The body as it was before it was compressed; null where it is not.</returns>
    public static Stream? Open(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count == 0)
            return null;
        var codings = request.Headers.ContentEncoding
            .SelectMany(static value => (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Where(static coding => !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            .ToList();
        if (codings is [])
            return null;
        return (codings is [var only] ? only.ToUpperInvariant() : null) switch
        {
            "GZIP" or "X-GZIP" => new Unpacking(new GZipStream(request.Body, CompressionMode.Decompress, leaveOpen: true), "gzip"),
            "DEFLATE" => new Unpacking(new ZLibStream(request.Body, CompressionMode.Decompress, leaveOpen: true), "deflate"),
            "BR" => new Unpacking(new BrotliStream(request.Body, CompressionMode.Decompress, leaveOpen: true), "br"),
            _ => throw Unsupported(request.HttpContext),
        };
    }

    private static ProblemException Unsupported(HttpContext http)
    {
        // RFC 9110, 15.5.16. Stays on the problem that answers the exception.
        http.Response.Headers.AcceptEncoding = Accepted;
        return new ProblemException(Problems.Create(
            415, ProblemCodes.UnsupportedMediaType, $"Send the body without Content-Encoding, or with one of {Accepted}, once."));
    }

    /// <summary>An unpacked body. One that is not what its coding says, or that ends too early, is malformed.</summary>
    private sealed class Unpacking(Stream inner, string coding) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken);
            }
            catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
            {
                throw new ProblemException(Problems.Malformed($"The body is not well-formed {coding}."));
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
