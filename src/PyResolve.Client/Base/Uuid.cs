using System.Security.Cryptography;

namespace PyResolve.Client;

/// <summary>The client's ids are UUIDv7, so that they sort by time in the server's index.</summary>
internal static class Uuid
{
    public static Guid NewVersion7(TimeProvider time)
    {
        var now = time.GetUtcNow();
#if NET9_0_OR_GREATER
        return Guid.CreateVersion7(now);
#else
        var milliseconds = now.ToUnixTimeMilliseconds();
        var random = RandomBytes(10);
        return new Guid(
            (int)(milliseconds >> 16),
            (short)milliseconds,
            (short)(0x7000 | ((random[0] & 0x0F) << 8) | random[1]),
            (byte)(0x80 | (random[2] & 0x3F)),
            random[3], random[4], random[5], random[6], random[7], random[8], random[9]);
#endif
    }

    public static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        using var generator = RandomNumberGenerator.Create();
        generator.GetBytes(bytes);
        return bytes;
    }
}
