using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Client.Tests.Leases;

/// <summary>Attempts to get more than was leased.</summary>
internal static class LeaseForgery
{
    extension(TemporaryHome home)
    {
        public IReadOnlyList<string> LeaseFiles() =>
            Directory.GetFiles(Path.Combine(home.Path, "leases"), "*.lease", SearchOption.AllDirectories);

        /// <summary>This machine's name in leases of versions that had the host's name in it.</summary>
        public string EarlierMachine(string hostName)
        {
            var folder = Path.Combine(home.Path, "leases");
            var number = File.ReadAllText(Path.Combine(folder, "machine")).Trim();
            var machineId = File.Exists("/etc/machine-id") ? File.ReadAllText("/etc/machine-id").Trim() : "";
            var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{number}\n{folder}\n{hostName}\n{machineId}"));
            return "m-" + Convert.ToHexStringLower(digest.AsSpan(0, 16));
        }

        public void CopyTo(string folder)
        {
            foreach (var file in Directory.GetFiles(home.Path, "*", SearchOption.AllDirectories))
            {
                var copy = Path.Combine(folder, Path.GetRelativePath(home.Path, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }

        /// <summary>Replaces the only lease by another, in a file as the client writes it.</summary>
        public void RewriteLease(Func<string, string> rewrite)
        {
            var path = home.LeaseFiles().Single();
            LeaseFile.Create(path, rewrite(LeaseFile.Load(path)!.Token), TimeSpan.Zero);
        }
    }

    /// <summary>The same token with a text replaced in its header or claims, and the old signature.</summary>
    public static string Edit(this string token, string from, string to)
    {
        var parts = token.Split('.');
        for (var i = 0; i < 2; i++)
            parts[i] = Base64Url.EncodeToString(
                Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[i])).Replace(from, to)));
        var edited = string.Join('.', parts);
        edited.ShouldNotBe(token);
        return edited;
    }
}
