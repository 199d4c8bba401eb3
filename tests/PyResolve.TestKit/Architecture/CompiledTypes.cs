using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace PyResolve.TestKit;

/// <summary>The outermost types of an assembly: the files that declare them, and which of them use which.</summary>
internal sealed class CompiledTypes
{
    /// <summary>The custom debug information that names the files of types without statements.</summary>
    private static readonly Guid TypeDefinitionDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly ReferencedTypes _referenced;
    private readonly Dictionary<string, HashSet<string>> _files = [];
    private readonly HashSet<(string From, string To)> _uses = [];

    private CompiledTypes(PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
        _referenced = new(_metadata);
    }

    /// <summary>Each type's source files; types that no hand-written file declares are not in it.</summary>
    public IReadOnlyDictionary<string, HashSet<string>> Files => _files;

    public IReadOnlyCollection<(string From, string To)> Uses => _uses;

    public static CompiledTypes Read(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        if (!image.TryOpenAssociatedPortablePdb(path, File.OpenRead, out var symbols, out _) || symbols is null)
            throw new InvalidOperationException($"{path} has no symbols; build it with DebugType portable or embedded.");
        var types = new CompiledTypes(image);
        using (symbols)
            types.ReadFiles(symbols.GetMetadataReader());
        foreach (var handle in types._metadata.TypeDefinitions)
            types.ReadUses(handle);
        return types;
    }

    private void ReadFiles(MetadataReader symbols)
    {
        foreach (var handle in symbols.MethodDebugInformation)
        {
            var method = symbols.GetMethodDebugInformation(handle);
            var type = _metadata.GetMethodDefinition(handle.ToDefinitionHandle()).GetDeclaringType();
            if (!method.Document.IsNil)
                AddFile(symbols, type, method.Document);
            foreach (var point in method.GetSequencePoints())
                AddFile(symbols, type, point.Document);
        }

        foreach (var handle in symbols.CustomDebugInformation)
        {
            var information = symbols.GetCustomDebugInformation(handle);
            if (information.Parent.Kind != HandleKind.TypeDefinition || symbols.GetGuid(information.Kind) != TypeDefinitionDocuments)
                continue;
            var rows = symbols.GetBlobReader(information.Value);
            while (rows.RemainingBytes > 0)
                AddFile(symbols, (TypeDefinitionHandle)information.Parent, MetadataTokens.DocumentHandle(rows.ReadCompressedInteger()));
        }
    }

    private void AddFile(MetadataReader symbols, TypeDefinitionHandle type, DocumentHandle document)
    {
        var file = symbols.GetString(symbols.GetDocument(document).Name);
        if (file.EndsWith(".g.cs", StringComparison.Ordinal) || file.Replace('\\', '/').Contains("/obj/", StringComparison.Ordinal))
            return;
        var name = _referenced.NameOf(type);
        if (!_files.TryGetValue(name, out var files))
            _files[name] = files = [];
        files.Add(file);
    }

    private void ReadUses(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        var used = new HashSet<string>();
        _referenced.Add(type.BaseType, used);
        foreach (var implementation in type.GetInterfaceImplementations())
            _referenced.Add(_metadata.GetInterfaceImplementation(implementation).Interface, used);
        AddConstraints(type.GetGenericParameters(), used);
        AddAttributes(type.GetCustomAttributes(), used);
        foreach (var property in type.GetProperties())
            AddAttributes(_metadata.GetPropertyDefinition(property).GetCustomAttributes(), used);
        foreach (var fieldHandle in type.GetFields())
        {
            var field = _metadata.GetFieldDefinition(fieldHandle);
            used.UnionWith(field.DecodeSignature(_referenced, null));
            AddAttributes(field.GetCustomAttributes(), used);
        }

        foreach (var methodHandle in type.GetMethods())
            AddMethod(_metadata.GetMethodDefinition(methodHandle), used);
        var from = _referenced.NameOf(handle);
        _uses.UnionWith(used.Where(to => to != from).Select(to => (from, to)));
    }

    private void AddMethod(MethodDefinition method, HashSet<string> used)
    {
        _referenced.Add(method.DecodeSignature(_referenced, null), used);
        AddConstraints(method.GetGenericParameters(), used);
        AddAttributes(method.GetCustomAttributes(), used);
        foreach (var parameter in method.GetParameters())
            AddAttributes(_metadata.GetParameter(parameter).GetCustomAttributes(), used);
        if (method.RelativeVirtualAddress == 0)
            return;
        var body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            foreach (var local in _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_referenced, null))
                used.UnionWith(local);
        }

        foreach (var region in body.ExceptionRegions)
            _referenced.Add(region.CatchType, used);
        foreach (var token in InstructionTokens.Read(body.GetILReader()))
            _referenced.Add(token, used);
    }

    private void AddConstraints(GenericParameterHandleCollection parameters, HashSet<string> used)
    {
        foreach (var parameter in parameters)
        {
            foreach (var constraint in _metadata.GetGenericParameter(parameter).GetConstraints())
                _referenced.Add(_metadata.GetGenericParameterConstraint(constraint).Type, used);
        }
    }

    private void AddAttributes(CustomAttributeHandleCollection attributes, HashSet<string> used)
    {
        foreach (var handle in attributes)
        {
            var attribute = _metadata.GetCustomAttribute(handle);
            _referenced.Add(attribute.Constructor, used);
            if (attribute.Value.IsNil)
                continue;
            var value = attribute.DecodeValue(_referenced);
            var arguments = value.FixedArguments.Select(argument => argument.Value);
            var properties = value.NamedArguments.Select(argument => argument.Value);
            foreach (var type in arguments.Concat(properties).OfType<ImmutableHashSet<string>>())
                used.UnionWith(type);
        }
    }
}
