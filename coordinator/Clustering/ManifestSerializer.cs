using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace Orchestrator.Coordinator.Clustering;

/// <summary>Akka's side of <see cref="ClosedManifest"/>: protobuf bytes under our own manifests.</summary>
/// <remarks>Thread-safe. The identifier is part of every journal row and never changes.</remarks>
internal sealed class ManifestSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public override int Identifier => 7001;

    public override byte[] ToBinary(object obj)
    {
        ClosedManifest.NameOf(obj);
        return ((IMessage)obj).ToByteArray();
    }

    public override object FromBinary(byte[] bytes, string manifest) => ClosedManifest.Parse(manifest, bytes);

    public override string Manifest(object o) => ClosedManifest.NameOf(o);
}
