using System.Security.Cryptography;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Leases;

/// <summary>
/// The keys that leases are signed by: the first signs, all are published, so that a key can be replaced while leases of the old one live.
/// With the embedded database and nothing configured, one is made on first use and kept beside it.
/// </summary>
internal sealed class LeaseKeys
{
    private const string Setting = "PYRESOLVE_LEASE_KEY";
    private const string FileName = "lease-key.pem";
    private const string HowToMake =
        "Make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 (PEM; base64 of its DER form does too; several are separated by commas or line breaks).";

    private readonly Lazy<IReadOnlyList<LeaseKey>> _keys;

    // What failed, such as on a full disk, is tried again the next time.
    private LeaseKeys(Func<IReadOnlyList<LeaseKey>> read) => _keys = new Lazy<IReadOnlyList<LeaseKey>>(read, LazyThreadSafetyMode.PublicationOnly);

    /// <summary><see langword="null"/>: this server gives no leases.</summary>
    public LeaseKey? Signing => _keys.Value is [var first, ..] ? first : null;

    public LeaseKeySet Published => new([.. _keys.Value.Select(key => key.Public)]);

    /// <exception cref="InvalidConfigurationException">What is configured is no such key.</exception>
    public static LeaseKeys Read(IConfiguration configuration, ServerOptions options)
    {
        if (ServerOptions.Text(configuration, Setting) is { } text)
            return Of(Parse(Setting, text));
        if (options.DatabaseUrl is not null)
            return Of([]);
        var file = Path.Combine(options.DataFolder, FileName);
        if (!File.Exists(file))
            return new LeaseKeys(() => MakeFile(file));
        var keys = ReadFile(file);
        return new LeaseKeys(() =>
        {
            Keep(file);
            return keys;
        });
    }

    private static LeaseKeys Of(IReadOnlyList<LeaseKey> keys) => new(() => keys);

    private static IReadOnlyList<LeaseKey> ReadFile(string file) => Parse(file, File.ReadAllText(file));

    private static IReadOnlyList<LeaseKey> Parse(string source, string text)
    {
        try
        {
            return LeaseKeyText.Read(text);
        }
        catch (FormatException exception)
        {
            throw new InvalidConfigurationException($"{source} cannot be used: {exception.Message}. {HowToMake}");
        }
    }

    /// <summary>Another process may be doing the same: the file appears whole and on disk, and the first one stays.</summary>
    private static IReadOnlyList<LeaseKey> MakeFile(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var draft = $"{file}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (var stream = new FileStream(draft, options))
            using (var writer = new StreamWriter(stream))
            using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            {
                writer.Write(LeaseKeyText.Write(key));
                writer.Flush();
                Durable.Flush(stream);
            }

            File.Move(draft, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
        }
        finally
        {
            File.Delete(draft);
        }

        Keep(file);
        return ReadFile(file);
    }

    /// <summary>Nothing is signed by a key that a power cut could take, whoever has made it and its folder, and died or failed before they were on disk.</summary>
    private static void Keep(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        Durable.FlushFolder(folder);
        if (Path.GetDirectoryName(folder) is { } parent)
            Durable.FlushFolder(parent);
    }
}
