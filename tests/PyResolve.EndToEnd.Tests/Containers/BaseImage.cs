using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PyResolve.EndToEnd.Tests.Containers;

/// <summary>An image with the libraries of this machine that .NET needs, in place of one from a registry on the network.</summary>
internal sealed class BaseImage
{
    /// <summary>Of the user of the image, as in .NET's own images.</summary>
    public const int User = 1654;

    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    private static readonly string[] Libraries =
        ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libssl.so.3",
            "libcrypto.so.3"];

    private const UnixFileMode Everyone = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly Dictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);

    private BaseImage(byte[] layer, string layerDigest)
    {
        var config = Json(new
        {
            architecture = Architecture,
            os = "linux",
            // As .NET's images have it, which listen on another port.
            config = new { Env = (string[])["PATH=/usr/bin", "ASPNETCORE_HTTP_PORTS=8080"] },
            rootfs = new { type = "layers", diff_ids = (string[])[layerDigest] },
            history = Array.Empty<object>(),
        });
        Manifest = Json(new
        {
            schemaVersion = 2,
            mediaType = ManifestType,
            config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = Add(config), size = config.Length },
            layers = new[]
            {
                new { mediaType = "application/vnd.oci.image.layer.v1.tar+gzip", digest = Add(layer), size = layer.Length },
            },
        });
    }

    public byte[] Manifest { get; }

    private static string Architecture => RuntimeInformation.OSArchitecture is System.Runtime.InteropServices.Architecture.Arm64
        ? "arm64"
        : "amd64";

    private static string Loader => Architecture == "arm64" ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";

    public byte[]? FindBlob(string digest) => _blobs.GetValueOrDefault(digest);

    public static string DigestOf(byte[] blob) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(blob))}";

    public static async Task<BaseImage> MakeAsync()
    {
        var known = (await Command.RunAsync("/sbin/ldconfig", ["-p"])).OrThrow("ldconfig").Output;
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var library in Libraries)
                await WriteAsync(writer, PathOf(library, known), PathOf(library, known));
            await WriteAsync(writer, Loader, Loader);
            foreach (var folder in (string[])["proc", "dev", "tmp"])
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, folder) { Mode = Everyone });
        }

        var plain = tar.ToArray();
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            await gzip.WriteAsync(plain);
        return new BaseImage(packed.ToArray(), DigestOf(plain));
    }

    private static string PathOf(string library, string known) => known.Split('\n')
        .First(line => line.Trim().StartsWith($"{library} ", StringComparison.Ordinal)).Split("=>")[1].Trim();

    private static async Task WriteAsync(TarWriter writer, string source, string path)
    {
        await using var content = File.OpenRead(source);
        await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, path.TrimStart('/'))
        {
            DataStream = content, Mode = Everyone,
        });
    }

    private static byte[] Json<T>(T value) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(value));

    private string Add(byte[] blob)
    {
        var digest = DigestOf(blob);
        _blobs[digest] = blob;
        return digest;
    }
}
