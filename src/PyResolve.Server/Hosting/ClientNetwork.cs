using System.Net;
using System.Net.Sockets;

namespace PyResolve.Server.Hosting;

/// <summary>
/// The network that attempts are counted for. An IPv6 host can choose its address from a whole /64, and its site from a whole /48, which is
/// <see cref="Wide"/>. An IPv4 address counts as itself, whatever form a gateway gave it.
/// </summary>
internal readonly record struct ClientNetwork(string Narrow, string? Wide)
{
    private const int NarrowBytes = 8;
    private const int WideBytes = 6;

    /// <summary>All clients without an address share one budget: those of a unix socket whose proxy is not trusted.</summary>
    private static readonly ClientNetwork None = new("none", Wide: null);

    public static ClientNetwork Of(string? text) => Of(IPAddress.TryParse(text, out var address) ? address : null);

    public static ClientNetwork Of(IPAddress? address)
    {
        if (address is null)
            return None;
        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
            return new ClientNetwork(address.ToString(), Wide: null);
        var bytes = address.GetAddressBytes();
        return EmbeddedIPv4(bytes) is { } embedded
            ? new ClientNetwork(embedded.ToString(), Wide: null)
            : new ClientNetwork(Prefix(bytes, NarrowBytes), Prefix(bytes, WideBytes));
    }

    private static IPAddress? EmbeddedIPv4(byte[] bytes) => bytes switch
    {
        // ::1 and :: are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] => null,
        // Mapped (::ffff:0:0/96), compatible (::/96), translated (::ffff:0:0:0/96, RFC 2765).
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ..] or [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..]
            or [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, ..] => new IPAddress(bytes[12..]),
        // NAT64 (64:ff9b::/96, RFC 6052).
        [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, ..] => new IPAddress(bytes[12..]),
        // 6to4 (2002::/16, RFC 3056).
        [0x20, 0x02, ..] => new IPAddress(bytes[2..6]),
        // Teredo (2001::/32, RFC 4380), whose client is written inverted.
        [0x20, 0x01, 0, 0, ..] => new IPAddress(Array.ConvertAll(bytes[12..], static part => (byte)~part)),
        _ => null,
    };

    private static string Prefix(byte[] bytes, int length)
    {
        var prefix = new byte[bytes.Length];
        bytes.AsSpan(0, length).CopyTo(prefix);
        return $"{new IPAddress(prefix)}/{length * 8}";
    }
}
