using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Hosting;

/// <summary>
/// Encrypts what the server has to read again, such as the secret of a second factor, so that a copy of the database alone gives it to
/// nobody: AES-256-GCM. The first key encrypts, all decrypt. With PostgreSQL and without a key, what is stored is not encrypted.
/// </summary>
internal sealed class EncryptionKeys
{
    public const string FileName = "encryption-key";

    public const string Setting = "PYRESOLVE_ENCRYPTION_KEY";
    private const string HowToCreate = "Create one with: openssl rand -base64 32 (separate several by commas).";
    private const byte Plain = 0;
    private const byte Encrypted = 1;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + sizeof(uint);

    private static readonly char[] Separators = [',', ' ', '\t', '\r', '\n'];

    private readonly Func<bool> _exist;
    private readonly Lazy<IReadOnlyList<byte[]>> _keys;

    // PublicationOnly: a failure, such as a full disk, is tried again at the next use.
    private EncryptionKeys(Func<bool> exist, Func<IReadOnlyList<byte[]>> read)
    {
        _exist = exist;
        _keys = new Lazy<IReadOnlyList<byte[]>>(read, LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>Whether there is a key already. The first use beside an embedded database makes one.</summary>
    public bool Exist => _keys.IsValueCreated ? _keys.Value.Count > 0 : _exist();

    public static EncryptionKeys Read(IConfiguration configuration, ServerOptions options)
    {
        if (ServerOptions.Text(configuration, Setting) is { } text)
        {
            var keys = Parse(Setting, text);
            return new EncryptionKeys(static () => true, () => keys);
        }

        if (options.DatabaseUrl is not null)
            return new EncryptionKeys(static () => false, static () => []);
        var file = Path.Combine(options.DataFolder, FileName);
        return new EncryptionKeys(
            () => File.Exists(file),
            () => Parse(
                file,
                File.Exists(file)
                    ? File.ReadAllText(file)
                    : SecretFile.Create(file, static () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)) + "\n")));
    }

    /// <summary>Each key in base64, whatever stands between them.</summary>
    /// <inheritdoc cref="Parse" path="/exception"/>
    public static IReadOnlyList<string> Split(string source, string text) => [.. Parse(source, text).Select(Convert.ToBase64String)];

    /// <param name="secret">What is to be stored.</param>
    /// <param name="context">What it belongs to: the text of one row is not accepted in another.</param>
    public byte[] Encrypt(ReadOnlySpan<byte> secret, string context)
    {
        if (_keys.Value is not [var key, ..])
            return [Plain, .. secret];
        var stored = new byte[HeaderBytes + NonceBytes + TagBytes + secret.Length];
        stored[0] = Encrypted;
        BinaryPrimitives.WriteUInt32BigEndian(stored.AsSpan(1), IdOf(key));
        var nonce = stored.AsSpan(HeaderBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(
            nonce, secret, stored.AsSpan(HeaderBytes + NonceBytes + TagBytes), stored.AsSpan(HeaderBytes + NonceBytes, TagBytes),
            Encoding.UTF8.GetBytes(context));
        return stored;
    }

    /// <returns>null: none of the keys is the one that it was encrypted with, or it was changed.</returns>
    public byte[]? Decrypt(byte[] stored, string context)
    {
        if (stored is [Plain, .. var plain])
            return plain;
        if (stored.Length < HeaderBytes + NonceBytes + TagBytes || stored[0] != Encrypted)
            return null;
        var id = BinaryPrimitives.ReadUInt32BigEndian(stored.AsSpan(1));
        if (_keys.Value.FirstOrDefault(key => IdOf(key) == id) is not { } used)
            return null;
        var secret = new byte[stored.Length - HeaderBytes - NonceBytes - TagBytes];
        using var aes = new AesGcm(used, TagBytes);
        try
        {
            aes.Decrypt(
                stored.AsSpan(HeaderBytes, NonceBytes), stored.AsSpan(HeaderBytes + NonceBytes + TagBytes),
                stored.AsSpan(HeaderBytes + NonceBytes, TagBytes), secret, Encoding.UTF8.GetBytes(context));
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>For what a browser carries: only what this server or another with its key has encrypted is accepted.</summary>
    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public byte[] Seal(ReadOnlySpan<byte> secret, string context) => _keys.Value.Count > 0
        ? Encrypt(secret, context)
        : throw new InvalidOperationException($"{Setting} is missing: what browsers carry cannot be encrypted.");

    /// <returns>null: it was not sealed with one of the keys and this context.</returns>
    public byte[]? Unseal(byte[] carried, string context) => carried is [Encrypted, ..] ? Decrypt(carried, context) : null;

    private static uint IdOf(byte[] key) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(key));

    /// <exception cref="InvalidConfigurationException">It has something else than keys, or none.</exception>
    private static List<byte[]> Parse(string source, string text)
    {
        var keys = new List<byte[]>();
        foreach (var part in text.Split(Separators, StringSplitOptions.RemoveEmptyEntries))
        {
            var key = new byte[KeyBytes];
            if (!Convert.TryFromBase64String(part, key, out var length) || length != KeyBytes)
            {
                throw new InvalidConfigurationException(
                    $"{source} cannot be used: a key is {KeyBytes} bytes in base64. {HowToCreate}");
            }

            keys.Add(key);
        }

        return keys.Count > 0 ? keys : throw new InvalidConfigurationException($"{source} has no key. {HowToCreate}");
    }
}
